"""What Gemini cannot do is refused by the name of its field; each model by what its family can."""

import re
from typing import Any

import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.refusals import refuse_embedding_members, refuse_unsupported
from modelwire_service.upstreams.gemini.request import generate_request

NOT = "not supported by Gemini models"
HI: Json = {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "Hi"}]}
TOOL: Json = {"type": "function", "function": {"name": "f"}}
PATH = "messages[0].content[0]"
THINKING = "extra_body.google.thinking_config"


def asked(request: Json) -> Json:
    refuse_unsupported(request)
    return generate_request(request, files_url="https://gemini.example/v1beta/files", media={})


def complaints(request: Json) -> list[str]:
    with pytest.raises(InvalidRequest) as raised:
        asked(request)
    return [str(violation) for violation in raised.value.violations]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"logit_bias": {"1": 5}}, [f"logit_bias: {NOT}"]),
        ({"verbosity": "low"}, [f"verbosity: {NOT}"]),
        ({"web_search_options": {}}, [f"web_search_options: {NOT}"]),
        ({"top_k": 4, "guided_json": {}}, [f"top_k: {NOT}", f"guided_json: {NOT}"]),
        ({"n": 9}, ["n: must be at most 8 with Gemini models"]),
        ({"n": 2, "stream": True}, ["n: must be 1 in a stream of a Gemini model"]),
        ({"stop": ["a"] * 6}, ["stop: must hold at most 5 sequences with Gemini models"]),
        (
            {"service_tier": "scale"},
            ["service_tier: must be one of auto, default, standard, flex, priority with Gemini models"],
        ),
        ({"audio": {"format": "mp3", "voice": "Kore"}}, ["audio.format: must be pcm16 or wav here with Gemini models"]),
        (
            {"audio": {"format": "wav", "voice": "Kore"}, "stream": True},
            ["audio.format: must be pcm16 here with Gemini models"],
        ),
        ({"audio": {"format": "wav", "voice": {}}}, ["audio.voice: must be the name of a voice, or an object with it"]),
        ({"tools": [{**TOOL, "cache_control": {}}]}, [f"tools[0].cache_control: {NOT}"]),
        ({"tools": [{"type": "function", "function": {"name": "f", "x": 1}}]}, [f"tools[0].function.x: {NOT}"]),
        ({"response_format": {"type": "text", "x": 1}}, [f"response_format.x: {NOT}"]),
        ({"extra_body": {"other": {}}}, [f"extra_body.other: {NOT}"]),
        ({"extra_body": {"google": 5}}, ["extra_body.google: must be an object"]),
        ({"extra_body": {"google": {"top_k": 5}}}, [f"extra_body.google.top_k: {NOT}"]),
        ({"extra_body": {"google": {"cached_content": 5}}}, ["extra_body.google.cached_content: must be a string"]),
        (
            {"extra_body": {"google": {"safety_settings": [{"category": "X"}]}}},
            ["extra_body.google.safety_settings: must be a list of objects with category and threshold"],
        ),
        ({"extra_body": {"google": {"thinking_config": 5}}}, [f"{THINKING}: must be an object"]),
        ({"extra_body": {"google": {"thinking_config": {"depth": 5}}}}, [f"{THINKING}.depth: {NOT}"]),
        (
            {"extra_body": {"google": {"thinking_config": {"thinking_budget": True}}}},
            [f"{THINKING}.thinking_budget: must be an integer"],
        ),
        (
            {"reasoning_effort": "low", "extra_body": {"google": {"thinking_config": {"thinking_level": "low"}}}},
            [f"reasoning_effort: excludes {THINKING}.thinking_level"],
        ),
        (
            {"messages": [*HI["messages"], {"role": "assistant", "audio": {"id": "audio_1"}}]},
            [f"messages[1].audio: {NOT}"],
        ),
    ],
)
def test_what_is_refused(given: Json, told: list[str]) -> None:
    assert complaints({**HI, **given}) == told


@pytest.mark.parametrize(
    ("model", "effort", "told"),
    [
        ("gemini-2.5-flash", "xhigh", "must be one of none, minimal, low, medium, high for this Gemini model"),
        ("gemini-2.5-pro", "none", "must not be none: this Gemini model always thinks"),
        ("gemini-3-flash-preview", "none", "must not be none: this Gemini model always thinks"),
        ("gemini-3-pro-preview", "max", "must be one of minimal, low, medium, high, xhigh for this Gemini model"),
        ("gemini-2.0-flash", "low", "not supported by this Gemini model, which does not think"),
        ("gemma-3-27b-it", "high", "not supported by this Gemini model, which does not think"),
    ],
)
def test_efforts_a_model_cannot_make(model: str, effort: str, told: str) -> None:
    assert complaints({**HI, "model": model, "reasoning_effort": effort}) == [f"reasoning_effort: {told}"]


def image(url: str, **more: str) -> Json:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def sound(data: str, kind: str) -> Json:
    return {"type": "input_audio", "input_audio": {"data": data, "format": kind}}


def file(**members: str) -> Json:
    return {"type": "file", "file": members}


@pytest.mark.parametrize(
    ("part", "field", "told"),
    [
        (image("https://images.example/cat.png"), "image_url.url", "must be a data: URL"),
        (image("http://169.254.169.254/latest"), "image_url.url", "must be a data: URL"),
        (image("http://["), "image_url.url", "must be a data: URL"),
        (image("iVBORw0KGgo="), "image_url.url", "must be a data: URL"),
        (image("gs://bucket/cat.png"), "image_url.url", "must be a data: URL"),
        (image("https://gemini.example/v1beta/files/../models"), "image_url.url", "must be a data: URL"),
        (image("data:image/png;base64,!!"), "image_url.url", "must be base64"),
        (image("data:image/png;base64,"), "image_url.url", "must not be empty"),
        (image("data:;base64,AAAA"), "image_url.url", "must be a data: URL with a media type"),
        (image("data:image/png"), "image_url.url", "must be a data: URL with a media type"),
        (image("data:image/png;base64,AAAA", detail="fine"), "image_url.detail", "must be one of auto, low,"),
        (sound("AAAA", "wav/../x"), "input_audio.format", "must be the name of an audio format"),
        (sound("?", "wav"), "input_audio.data", "must be base64"),
        (sound("https://sounds.example/a.wav", "wav"), "input_audio.data", "must be a data: URL"),
        (sound("data:image/png;base64,AAAA", "wav"), "input_audio.data", "must be audio"),
        (sound("data:audio/wav;base64,?", "wav"), "input_audio.data", "must be base64"),
        (file(file_data="https://files.example/a.pdf"), "file.file_data", "must be a data: URL"),
        (file(file_data="ftp://files.example/a.pdf", filename="a.pdf"), "file.file_data", "must be base64"),
        (file(file_data="AAAA"), "file.file_data", "must be a data: URL, or base64 with"),
        (file(file_data="AAAA", filename="thing.zzzz"), "file.file_data", "must be a data: URL, or base64 with"),
        (file(file_id="file-abc"), "file.file_id", "must be a file of the Gemini"),
        (file(file_id="https://elsewhere.example/v1beta/files/abc"), "file.file_id", "must be a file of the Gemini"),
    ],
)  # fmt: skip
def test_media_that_cannot_be_passed_on(part: Json, field: str, told: str) -> None:
    [complaint] = complaints({**HI, "messages": [{"role": "user", "content": [part]}]})
    assert complaint.startswith(f"{PATH}.{field}: {told}")


@pytest.mark.parametrize("arguments", ["{", "[]", "5", '"x"', "not json"])
def test_arguments_that_are_no_object(arguments: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
    told = complaints({**HI, "messages": [{"role": "assistant", "tool_calls": [call]}]})
    assert told == ["messages[0].tool_calls[0].function.arguments: must be a JSON object for Gemini models"]


def test_all_that_is_refused_is_told_at_once() -> None:
    request = {**HI, "logit_bias": {"1": 1}, "n": 100, "seed": 5, "user": "u", "top_k": 1}
    assert [re.sub(r":.*", "", complaint) for complaint in complaints(request)] == ["logit_bias", "top_k", "n"]


@pytest.mark.parametrize("member", ["task_type", "extra_body"])
def test_of_an_embeddings_request_too(member: str) -> None:
    given: dict[str, Any] = {"model": "m", "input": ["a"], "user": "u", member: {}}
    with pytest.raises(InvalidRequest, match=f"{member}: {NOT}"):
        refuse_embedding_members(given)
