"""What came from each vendor, and what goes out to callers: whole answers, and streams."""

import re
from typing import Any

import httpx
import orjson
import pytest
from modelwire_service.completions import ChunkStream, completed
from modelwire_service.errors import UpstreamProtocolError, UpstreamRefused
from modelwire_service.events import DONE, Events
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream
from modelwire_service.upstreams.openai.profiles import PROFILES
from support.openai_upstream import REQUEST, SSE, events, upstream_of

HEAD: Json = {"id": "c1", "created": 5, "model": "m"}
FRESH = "a fresh id"


def upstream(profile: str, **answer: Any) -> OpenAIUpstream:
    return upstream_of(lambda _: httpx.Response(200, **answer), profile=PROFILES[profile])


def said(content: str | None, **more: Any) -> Json:
    return {"role": "assistant", "content": content, **more}


def choice(message: Any, finish: str | None = "stop", **more: Any) -> Json:
    return {"index": 0, "message": message, "finish_reason": finish, **more}


def call(identity: str | None, name: str = "f", **more: Any) -> Json:
    told = {} if identity is None else {"id": identity}
    return {**told, "type": "function", "function": {"name": name, "arguments": "{}"}, **more}


SIGNED: dict[str, Any] = {"extra_content": {"google": {"thought_signature": "s"}}}
BLOCKED = [choice(said(None), "content_filter")]

WHOLE: list[tuple[str, str, Json, list[Json]]] = [
    # profile, what                          came                                         goes out
    ("plain", "OpenAI's own", {"choices": [choice(said("a"))]}, [choice(said("a"))]),
    ("plain", "thoughts stay content", {"choices": [choice(said("<thought>a</thought>b"))]},
     [choice(said("<thought>a</thought>b"))]),
    ("plain", "a vendor's member stays", {"choices": [choice(said("a", reasoning="r"))]},
     [choice(said("a", reasoning="r"))]),
    ("plain", "a call of the old kind", {"choices": [choice(said(None, function_call={"name": "f"}), "function_call")]},
     [choice(said(None, function_call={"name": "f", "arguments": "{}"}), "function_call")]),
    ("gemini", "choices null", {"model": "m", "choices": None}, BLOCKED),
    ("gemini", "choices absent", {"object": "chat.completion"}, BLOCKED),
    ("gemini", "choices empty", {"model": "m", "choices": []}, BLOCKED),
    ("gemini", "message null", {"choices": [{"message": None}]}, BLOCKED),
    ("gemini", "message null, cut by the limit", {"choices": [{"message": None, "finish_reason": "length"}]},
     [choice(said(None), "length")]),
    ("gemini", "no content, thoughts took all", {"choices": [choice({"role": "assistant"}, "length")]},
     [choice(said(None), "length")]),
    ("gemini", "no index", {"choices": [{"message": said("a"), "finish_reason": "stop"}]}, [choice(said("a"))]),
    ("gemini", "ids empty", {"choices": [choice(said(None, tool_calls=[call(""), call("", "g")]), "tool_calls")]},
     [choice(said(None, tool_calls=[call(FRESH), call(FRESH, "g")]), "tool_calls")]),
    ("gemini", "stop for calls", {"choices": [choice(said(None, tool_calls=[call("a", **SIGNED)]))]},
     [choice(said(None, tool_calls=[call("a", **SIGNED)]), "tool_calls")]),
    ("gemini", "a native reason", {"choices": [choice(said(""), "SAFETY")]},
     [choice(said(""), "content_filter", native_finish_reason="SAFETY")]),
    ("gemini", "thoughts", {"choices": [choice(said("<thought>why</thought>what"))]},
     [choice(said("what", reasoning_content="why"))]),
    ("gemini", "thoughts beside no text", {"choices": [choice(said("<thought>a</thought>b", reasoning_content=None))]},
     [choice(said("b", reasoning_content="a"))]),
    ("gemini", "thoughts and a call", {"choices": [choice(said("<thought>why</thought>", tool_calls=[call("a")]))]},
     [choice(said(None, reasoning_content="why", tool_calls=[call("a")]), "tool_calls")]),
    ("aimlapi", "no model, no index", {"choices": [{"message": said("a")}]}, [choice(said("a"))]),
    ("openrouter", "reasoning", {"choices": [choice(said("a", reasoning="r"), native_finish_reason="STOP")]},
     [choice(said("a", reasoning_content="r"), native_finish_reason="STOP")]),
    ("openrouter", "reasoning null", {"choices": [choice(said("a", reasoning=None))]}, [choice(said("a"))]),
    ("openrouter", "details stay", {"choices": [choice(said("a", reasoning="r", reasoning_details=[{"index": 0}]))]},
     [choice(said("a", reasoning_content="r", reasoning_details=[{"index": 0}]))]),
    ("vllm", "reasoning under both names", {"choices": [choice(said("a", reasoning="r", reasoning_content="r"))]},
     [choice(said("a", reasoning_content="r"))]),
    ("vllm", "no calls", {"choices": [choice(said("a", tool_calls=[]), stop_reason=None)]},
     [choice(said("a"), stop_reason=None)]),
    ("llama-server", "arguments as an object",
     {"choices": [choice(said(None, tool_calls=[{"function": {"name": "f", "arguments": {}}}]), "tool_calls")]},
     [choice(said(None, tool_calls=[call(FRESH)]), "tool_calls")]),
    ("ollama", "reasoning, and calls with an index",
     {"choices": [choice(said("", reasoning="r", tool_calls=[call("a", index=0)]), "tool_calls")]},
     [choice(said("", reasoning_content="r", tool_calls=[call("a")]), "tool_calls")]),
]  # fmt: skip


def shown(value: Any) -> Any:
    """JSON with FRESH for each id of a call that was made here."""
    return orjson.loads(re.sub(rb'"call_[0-9a-f]{24}"', b'"%s"' % FRESH.encode(), orjson.dumps(value)))


@pytest.mark.parametrize(
    ("profile", "came", "out"), [(p, came, out) for p, _, came, out in WHOLE], ids=[f"{p}: {w}" for p, w, _, _ in WHOLE]
)
async def test_whole_answers(profile: str, came: Json, out: list[Json]) -> None:
    reply = completed(await upstream(profile, json={**HEAD, **came}).chat(REQUEST), "m")
    assert shown(reply["choices"]) == out
    assert {key: reply[key] for key in ("id", "object", "created", "model")} == {**HEAD, "object": "chat.completion"}


USAGE: list[tuple[str, Json, Json]] = [
    # profile   came (prompt, completion, total)                                       goes out
    ("gemini", {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10},
     {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}),
    ("gemini", {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 60},
     {"prompt_tokens": 8, "completion_tokens": 52, "total_tokens": 60,
      "completion_tokens_details": {"reasoning_tokens": 50}}),
    ("gemini", {"prompt_tokens": 8, "total_tokens": 60, "completion_tokens_details": {"reasoning_tokens": 52}},
     {"prompt_tokens": 8, "completion_tokens": 52, "total_tokens": 60,
      "completion_tokens_details": {"reasoning_tokens": 52}}),
    ("plain", {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 60},
     {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 60}),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "came", "out"), USAGE)
async def test_thoughts_are_counted_as_openai_counts_them(profile: str, came: Json, out: Json) -> None:
    answer = {**HEAD, "choices": [choice(said("a"))], "usage": came}
    assert (await upstream(profile, json=answer).chat(REQUEST))["usage"] == out
    body = events({**HEAD, "choices": [piece({}, "stop")], "usage": came})
    stream = ChunkStream("m", include_usage=True)
    async for batch in upstream(profile, headers=SSE, content=body).stream_chat(REQUEST):
        stream.chunks(batch)
    assert stream.usage == out


def piece(delta: Any, finish: str | None = None, index: int | None = 0, **more: Any) -> Json:
    numbered = {} if index is None else {"index": index}
    return {**numbered, "delta": delta, "finish_reason": finish, **more}


def deltas(*calls: Json) -> Json:
    return {"tool_calls": list(calls)}


ROLE: Json = {"role": "assistant"}
THOUGHT = {"extra_content": {"google": {"thought": True}}}

STREAMED: list[tuple[str, str, list[list[Json] | None], list[Json]]] = [
    # profile, what                       came, the choices of each chunk             goes out, choice by choice
    ("gemini", "calls without index, stop in the next chunk",
     [[piece({**ROLE, **deltas(call("", **SIGNED))}, index=None)], [piece(deltas(call("", "g")), index=None)],
      [piece(ROLE, "stop", index=None)]],
     [piece({**ROLE, **deltas(call(FRESH, index=0, **SIGNED))}), piece(deltas(call(FRESH, "g", index=1))),
      piece({}, "tool_calls")]),
    ("gemini", "a call and stop in one chunk",
     [[piece(deltas(call("a")), "stop")]],
     [piece({**ROLE, **deltas(call("a", index=0))}, "tool_calls")]),
    ("gemini", "a thought over chunks",
     [[piece({**ROLE, "content": "<tho", **THOUGHT})], [piece({"content": "ught>wh", **THOUGHT})],
      [piece({"content": "y</th", **THOUGHT})], [piece({"content": "ought>what"})], [piece({"content": ""}, "stop")]],
     [piece({**ROLE, **THOUGHT}), piece({"reasoning_content": "wh", **THOUGHT}),
      piece({"reasoning_content": "y", **THOUGHT}), piece({"content": "what"}), piece({"content": ""}, "stop")]),
    ("gemini", "the end of a thought beside a call",
     [[piece({"content": "<thought>why"})], [piece({"content": "</thought>", **deltas(call("a"))}, "stop")]],
     [piece({**ROLE, "reasoning_content": "why"}), piece(deltas(call("a", index=0)), "tool_calls")]),
    ("gemini", "what was held for a tag is said at the end",
     [[piece({"content": "<th"})], [piece({}, "stop")]],
     [piece(ROLE), piece({"content": "<th"}, "stop")]),
    ("gemini", "what was held is said even without a reason to finish",
     [[piece({"content": "<th"})]],
     [piece(ROLE), {"index": 0, "delta": {"content": "<th"}, "finish_reason": None}, piece({}, "stop")]),
    ("gemini", "a blocked prompt: chunks without choices",
     [None, []],
     [piece({"content": None, **ROLE}, "content_filter")]),
    ("openrouter", "reasoning, and the role on each",
     [[piece({**ROLE, "content": "", "reasoning": "r"}, native_finish_reason=None)],
      [piece({**ROLE, "content": "a", "reasoning": None}, "stop", native_finish_reason="STOP")]],
     [piece({**ROLE, "content": "", "reasoning_content": "r"}, native_finish_reason=None),
      piece({"content": "a"}, "stop", native_finish_reason="STOP")]),
    ("vllm", "a call by name that ends in stop",
     [[piece({**ROLE, "content": ""})], [piece(deltas(call("a", index=0)))], [piece({}, "stop", stop_reason=None)]],
     [piece({**ROLE, "content": ""}), piece(deltas(call("a", index=0))), piece({}, "tool_calls", stop_reason=None)]),
    ("ollama", "parallel calls at index 0",
     [[piece({**ROLE, "content": "", **deltas(call("a", index=0))})],
      [piece({**ROLE, "content": "", **deltas(call("b", "g", index=0))})], [piece({**ROLE, "content": ""}, "stop")]],
     [piece({**ROLE, "content": "", **deltas(call("a", index=0))}),
      piece({"content": "", **deltas(call("b", "g", index=1))}), piece({"content": ""}, "tool_calls")]),
    ("plain", "thoughts stay content",
     [[piece({"content": "<thought>a</thought>"}, "stop")]],
     [piece({**ROLE, "content": "<thought>a</thought>"}, "stop")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "came", "out"),
    [(p, came, out) for p, _, came, out in STREAMED],
    ids=[f"{p}: {what}" for p, what, _, _ in STREAMED],
)
async def test_streams(profile: str, came: list[list[Json] | None], out: list[Json]) -> None:
    body = events(*({**HEAD, "object": "chat.completion.chunk", "choices": choices} for choices in came))
    stream = ChunkStream("m", include_usage=False)
    sent = b""
    async for batch in upstream(profile, headers=SSE, content=body).stream_chat(REQUEST):
        sent += Events().of(stream.chunks(batch))
    sent += Events().of(stream.closing()) + DONE
    *chunks, done = (event.removeprefix(b"data: ") for event in sent.split(b"\n\n") if event)
    told = [orjson.loads(chunk) for chunk in chunks]
    assert shown([choice for chunk in told for choice in chunk["choices"]]) == out
    assert done == b"[DONE]"


async def test_what_a_stream_says_and_its_folding_agree() -> None:
    came = [{"content": "<thought>wh"}, {"content": "y</thought>wh"}, {"content": "at", **deltas(call(""))}]
    body = events(*({**HEAD, "choices": [piece(delta)]} for delta in came), {**HEAD, "choices": [piece({}, "stop")]})
    reply = completed(await upstream("gemini", headers=SSE, content=body).chat(REQUEST), "m")
    assert shown(reply["choices"]) == [
        choice(said("what", reasoning_content="why", tool_calls=[call(FRESH)]), "tool_calls")
    ]


@pytest.mark.parametrize("profile", sorted(set(PROFILES) - {"gemini"}))
@pytest.mark.parametrize("choices", [None, []])
async def test_no_choices_are_a_failure_of_everybody_else(profile: str, choices: Any) -> None:
    with pytest.raises(UpstreamProtocolError, match="no choices"):
        await upstream(profile, json={**HEAD, "choices": choices}).chat(REQUEST)


@pytest.mark.parametrize("answer", [{}, {"candidates": []}, {"choices": None}])
async def test_what_is_no_answer_at_all_is_a_failure_of_gemini_too(answer: Json) -> None:
    with pytest.raises(UpstreamProtocolError, match="no choices"):
        await upstream("gemini", json=answer).chat(REQUEST)
    with pytest.raises(UpstreamProtocolError, match="no choices"):
        [batch async for batch in upstream("gemini", headers=SSE, content=events(answer)).stream_chat(REQUEST)]


ERRORS: list[tuple[str, int, Any, str, int]] = [
    # profile, its status      its body                                                what callers are told
    ("gemini", 400, [{"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}], "bad", 400),
    (
        "aimlapi",
        403,
        {"message": "no credits", "path": "/v1", "requestId": "r", "statusCode": "403"},
        "no credits",
        403,
    ),
    ("openrouter", 200, {"error": {"code": 429, "message": "slow", "metadata": {}}}, "slow", 429),
    ("vllm", 400, {"object": "error", "message": "long", "type": "BadRequestError", "code": 400}, "long", 400),
    ("vllm", 404, {"error": {"message": "none", "type": "NotFoundError", "param": "model", "code": 404}}, "none", 404),
    ("llama-server", 400, {"error": {"code": 400, "message": "big", "type": "exceed_context_size_error"}}, "big", 400),
    ("ollama", 404, {"error": {"message": "pull it", "type": "not_found_error", "param": None}}, "pull it", 404),
]


@pytest.mark.parametrize(("profile", "status", "body", "message", "told"), ERRORS)
async def test_errors(profile: str, status: int, body: Any, message: str, told: int) -> None:
    failing = upstream_of(lambda _: httpx.Response(status, json=body), profile=PROFILES[profile])
    with pytest.raises(UpstreamRefused) as caught:
        await failing.chat(REQUEST)
    assert (caught.value.message, caught.value.http_status) == (message, told)
