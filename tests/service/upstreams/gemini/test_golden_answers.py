"""golden/answers.json and golden/streams.json: what callers get for what Gemini answers."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.answers import Asked, completion
from modelwire_service.upstreams.gemini.stream import ChunkMaker

GOLDEN = Path(__file__).parent / "golden"
ANSWERS = json.loads((GOLDEN / "answers.json").read_text())
STREAMS = json.loads((GOLDEN / "streams.json").read_text())["rows"]
ALWAYS: Json = {"role": "assistant", "content": None, "refusal": None}


def rows(table: list[Json]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", [pytest.param(row, id=row["case"]) for row in table])


def asked(row: Json) -> Asked:
    numbers = itertools.count()
    return replace(Asked.by(row.get("asked", {})), new_id=lambda: f"new-{next(numbers)}")


def told(row: Json, answer: Json) -> Json:
    whole: Json = with_one_audio_id(completion(answer, row.get("headers", {}), asked(row)))
    return whole


def with_one_audio_id(value: Any) -> Any:
    """The value, with the random ids of speech made equal."""
    if isinstance(value, list):
        return [with_one_audio_id(item) for item in value]
    if not isinstance(value, dict):
        return value
    members = {name: with_one_audio_id(member) for name, member in value.items()}
    if isinstance(audio := members.get("audio"), dict) and str(audio.get("id")).startswith("audio_"):
        audio["id"] = "audio"
    return members


def written_out(choice: Json) -> Json:
    return {**choice, "message": {**ALWAYS, **choice["message"]}}


@rows(ANSWERS["choice"])
def test_a_candidate(row: Json) -> None:
    assert told(row, {"candidates": [row["gemini"]]}) == {"choices": [written_out(row["openai"])]}


@rows(ANSWERS["whole"])
def test_a_whole_answer(row: Json) -> None:
    expected = {**row["openai"], "choices": [written_out(choice) for choice in row["openai"]["choices"]]}
    assert told(row, row["gemini"]) == expected


@rows(ANSWERS["usage"])
def test_usage(row: Json) -> None:
    assert told({}, {"usageMetadata": row["gemini"]})["usage"] == row["openai"]


@pytest.mark.parametrize("native", [*ANSWERS["finish reasons"], "A_REASON_OF_TOMORROW"])
def test_a_reason_to_end_is_one_of_five_and_geminis_own_beside_it(native: str) -> None:
    [choice] = told({}, {"candidates": [{"finishReason": native}]})["choices"]
    assert choice["finish_reason"] == ANSWERS["finish reasons"].get(native, "stop")
    plain = native in ("STOP", "MAX_TOKENS")
    assert choice.get("extra_content") == (None if plain else {"google": {"finish_reason": native}})


@rows(STREAMS)
def test_a_stream(row: Json) -> None:
    maker = ChunkMaker({}, asked(row))
    chunks = [chunk for event in row["events"] for chunk in maker.chunks(event)]
    if "error" in row:
        with pytest.raises(UpstreamProtocolError, match=row["error"]):
            maker.end()
    else:
        chunks += maker.end()
    assert [chunk.get("usage") or chunk["choices"] for chunk in with_one_audio_id(chunks)] == row["chunks"]


def test_all_chunks_have_the_head_of_the_first() -> None:
    maker = ChunkMaker({"x-gemini-service-tier": "flex"}, Asked())
    first, second = (
        {"responseId": "r", "modelVersion": version, "candidates": [{"content": {"parts": [{"text": "a"}]}, **end}]}
        for version, end in (("one", {}), ("two", {"finishReason": "STOP"}))
    )
    chunks = [*maker.chunks(first), *maker.chunks(second), *maker.end()]
    head = {"id": "r", "model": "one", "service_tier": "flex", "object": "chat.completion.chunk"}
    assert [{name: chunk[name] for name in head} for chunk in chunks] == [head] * 3


ODD_PARTS: list[Json] = [
    {"inlineData": {"mimeType": "audio/L16", "data": "!"}},
    {"inlineData": {"mimeType": 5, "data": "AAAA"}},
    {"inlineData": {"mimeType": "image/png", "data": {}}},
    {"inlineData": "AAAA"},
    {"text": 5},
    {"text": ["a"]},
    {"functionCall": "f"},
    {"functionCall": {}},
    {"functionCall": {"name": 5}},
    {"functionCall": {"name": "f", "args": 5}},
    {"functionCall": {"name": "f", "args": []}},
    {"functionCall": {"name": "f", "args": [1]}},
    {"functionCall": {"name": "f", "args": "[1]"}},
    {"functionCall": {"name": "f", "args": "{"}},
]
MISSHAPEN: list[Any] = [
    5,
    {"candidates": 5},
    {"candidates": ["x"]},
    {"candidates": [{"content": "text"}]},
    {"candidates": [{"content": {"parts": {"text": "x"}}}]},
    {"candidates": [{"content": {"parts": ["x"]}}]},
    {"candidates": [{"index": "first", "content": {"parts": [{"text": "x"}]}}]},
    *[{"candidates": [{"content": {"parts": [{"text": "a"}, part]}}]} for part in ODD_PARTS],
]


@pytest.mark.parametrize("answer", MISSHAPEN)
def test_an_answer_of_another_shape_is_the_upstreams_fault(answer: Any) -> None:
    with pytest.raises(UpstreamProtocolError):
        completion(answer, {}, Asked())
    with pytest.raises(UpstreamProtocolError):
        ChunkMaker({}, Asked()).chunks(answer)


def test_an_object_that_is_no_answer_is_the_upstreams_fault_whole_and_streamed() -> None:
    with pytest.raises(UpstreamProtocolError):
        completion({"foreign": 1}, {}, Asked())
    maker = ChunkMaker({}, Asked())
    assert maker.chunks({"foreign": 1}) == []
    with pytest.raises(UpstreamProtocolError):
        maker.end()


ODD: list[Json] = [
    {"candidates": None, "promptFeedback": 5, "usageMetadata": []},
    {
        "candidates": [{"content": None, "finishReason": 5, "logprobsResult": 5}],
        "usageMetadata": {"promptTokenCount": "x"},
    },
    {"candidates": [{"content": {"parts": None}, "logprobsResult": {"chosenCandidates": [5], "topCandidates": {}}}]},
    {"candidates": [{"content": {"parts": [{"text": None, "thoughtSignature": 5, "functionCall": None}, {}]}}]},
    {"responseId": 5, "modelVersion": None, "usageMetadata": {"promptTokensDetails": [5, {"modality": "AUDIO"}]}},
]


@pytest.mark.parametrize("answer", ODD)
def test_an_odd_answer_is_an_answer(answer: Json) -> None:
    assert completion(answer, {}, Asked())["choices"][0]["finish_reason"] == "stop"
