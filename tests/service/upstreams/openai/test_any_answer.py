"""Whatever JSON an upstream sends, callers get an answer of OpenAI's shape, or an error that is the upstream's."""

from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelwire_service.completions import ChunkStream, completed
from modelwire_service.errors import UpstreamProtocolError, UpstreamRefused
from modelwire_service.events import DONE, Events
from modelwire_service.finish_reasons import FINISH_REASONS
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai.profiles import PROFILES
from support.openai_upstream import REQUEST, SSE, events, upstream_of

odd: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "x", 0, -1, 1.5, True, [], {}, [None], [[]], {"a": [1]}, 2**63]
)


def members(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Objects of which each known member is absent, as it should be, or odd."""
    return st.fixed_dictionaries({}, optional={name: values | odd for name, values in known.items()})


texts = st.sampled_from(["", "a", "<thought>", "</thought>b", "<thought>c</thought>", "<th", "ought>"])
marks = st.just({"google": {"thought": True}})
functions = members(name=texts, arguments=texts | st.just({"a": 1}))
calls = members(index=st.integers(0, 2), id=texts, type=st.just("function"), function=functions)
said = members(
    role=st.just("assistant"), content=texts, reasoning=texts, reasoning_content=texts, refusal=texts,
    tool_calls=st.lists(calls, max_size=3), extra_content=marks,
)  # fmt: skip
reasons = st.sampled_from(["stop", "length", "tool_calls", "SAFETY", "weird", "error"])
details = members(cached_tokens=st.integers(0, 9))
usages = members(
    prompt_tokens=st.integers(0, 9), completion_tokens=st.integers(0, 9), total_tokens=st.integers(0, 99),
    prompt_tokens_details=details,
)  # fmt: skip
tokens = st.lists(members(token=texts, logprob=st.just(-1.0), bytes=st.just([97])), max_size=2)
logprobs = members(content=tokens, refusal=tokens)
choices = members(index=st.integers(0, 2), message=said, delta=said, finish_reason=reasons, logprobs=logprobs)
answers = members(
    id=texts,
    object=texts,
    created=st.integers(-(2**63), 2**63),
    model=texts,
    choices=st.lists(choices, max_size=3),
    usage=usages,
)
profiles = st.sampled_from(sorted(PROFILES))


def check_said(said: Json) -> None:
    assert all(isinstance(said.get(name), str | None) for name in ("content", "refusal", "reasoning_content"))
    for call in said.get("tool_calls") or []:
        assert isinstance(call.get("id"), str | None)
        if (function := call.get("function")) is not None:
            assert all(isinstance(function.get(name, ""), str) for name in ("name", "arguments"))


def check_figures(answer: Json) -> None:
    usage = answer.get("usage") or {}
    assert not usage or {"prompt_tokens", "completion_tokens", "total_tokens"} <= usage.keys()
    counts = [usage.get(f"{name}_tokens", 0) for name in ("prompt", "completion", "total")]
    cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    assert all(type(count) is int and count >= 0 for count in [*counts, cached])
    for choice in answer["choices"]:
        for token in (choice.get("logprobs") or {}).get("content") or []:
            assert (type(token["token"]), type(token["logprob"])) == (str, float)


def check_calls(calls: list[Json], *, whole: bool) -> None:
    if whole:
        assert all(call["id"] and isinstance(call["function"]["arguments"], str) for call in calls)
        assert len({call["id"] for call in calls}) == len(calls)
    else:
        assert all(isinstance(call["index"], int) for call in calls)


def check_head(answer: Json) -> None:
    assert all(answer[key] and isinstance(answer[key], str) for key in ("id", "object", "model"))
    assert isinstance(answer.get("usage", {}), dict | None)
    assert isinstance(answer["created"], int)


@given(profiles, answers)
@settings(deadline=None)
async def test_any_answer(profile: str, answer: Json) -> None:
    upstream = upstream_of(lambda _: httpx.Response(200, content=orjson.dumps(answer)), profile=PROFILES[profile])
    try:
        reply = completed(await upstream.chat(REQUEST), "m")
    except (UpstreamProtocolError, UpstreamRefused):
        return
    check_head(reply)
    check_figures(reply)
    assert reply["choices"]
    assert len({choice["index"] for choice in reply["choices"]}) == len(reply["choices"])
    for choice in reply["choices"]:
        assert isinstance(choice["index"], int)
        assert choice["finish_reason"] in FINISH_REASONS
        assert choice["message"]["role"] == "assistant"
        assert "content" in choice["message"]
        check_said(choice["message"])
        check_calls(choice["message"].get("tool_calls") or [], whole=True)


@given(profiles, st.lists(answers, max_size=4), st.booleans(), st.booleans())
@settings(deadline=None)
async def test_any_stream(profile: str, chunks: list[Json], done: bool, usage: bool) -> None:
    body = events(*chunks, done=done)
    upstream = upstream_of(lambda _: httpx.Response(200, headers=SSE, content=body), profile=PROFILES[profile])
    stream, sent = ChunkStream("m", include_usage=usage), b""
    try:
        async for batch in upstream.stream_chat(REQUEST):
            sent += Events().of(stream.chunks(batch))
        sent, ended = sent + Events().of(stream.closing()) + DONE, True
    except (UpstreamProtocolError, UpstreamRefused):
        ended = False
    told = [event.removeprefix(b"data: ") for event in sent.split(b"\n\n") if event]
    assert (told[-1:] == [b"[DONE]"]) == ended
    said = [orjson.loads(event) for event in told if event != b"[DONE]"]
    check_chunks(said, ended=ended)
    try:
        folded = completed(await upstream.chat(REQUEST), "m")
    except (UpstreamProtocolError, UpstreamRefused):
        return
    assert {choice["index"] for choice in folded["choices"]} == {c["index"] for chunk in said for c in chunk["choices"]}


def check_chunks(chunks: list[Json], *, ended: bool) -> None:
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) <= 1
    begun, finished = set(), set()
    for chunk in chunks:
        check_head(chunk)
        check_figures(chunk)
        for choice in chunk["choices"]:
            assert ("role" in choice["delta"]) == (choice["index"] not in begun)
            begun.add(choice["index"])
            assert choice["finish_reason"] in {None, *FINISH_REASONS}
            finished |= {choice["index"]} if choice["finish_reason"] else set()
            check_said(choice["delta"])
            check_calls(choice["delta"].get("tool_calls") or [], whole=False)
    assert not ended or begun == finished != set()


@pytest.mark.parametrize("profile", sorted(PROFILES))
async def test_what_is_no_json_is_the_upstreams_error(profile: str) -> None:
    upstream = upstream_of(lambda _: httpx.Response(200, content=b"<html>"), profile=PROFILES[profile])
    with pytest.raises(UpstreamProtocolError):
        await upstream.chat(REQUEST)
