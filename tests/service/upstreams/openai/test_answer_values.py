"""Values of other types than OpenAI's: what came, and what goes out, whole and in chunks."""

from typing import Any

import httpx
import pytest
from modelwire_service.completions import ChunkStream, completed
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.events import DONE, Events
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai.answer_values import settled_choices
from support.openai_answers import chunks_of, completion_of
from support.openai_upstream import REQUEST, SSE, always, events

HEAD: Json = {"id": "c1", "object": "chat.completion", "created": 1700000000, "model": "m"}
CALL: Json = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOKEN: Json = {"token": "t", "logprob": -1.0, "bytes": [116], "top_logprobs": []}


def call(**members: Any) -> list[Json]:
    return [{**CALL, **members}]


def function(**members: Any) -> list[Json]:
    return call(function={**CALL["function"], **members})


SAID: dict[str, tuple[Json, Json]] = {
    "a text": ({"content": "a"}, {"content": "a"}),
    "text parts": ({"content": [{"type": "text", "text": "a"}, {"text": "b"}, "c"]}, {"content": "abc"}),
    "no parts": ({"content": []}, {"content": None}),
    "thinking parts": (
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}, {"text": "a"}]},
        {"content": "a", "reasoning_content": "why"},
    ),
    "thinking as a text": (
        {"content": [{"type": "thinking", "thinking": "why"}], "reasoning_content": "so "},
        {"content": None, "reasoning_content": "so why"},
    ),
    "reasoning in parts": (
        {"reasoning_content": [{"text": "a"}], "content": "b"},
        {"reasoning_content": "a", "content": "b"},
    ),
    "a refusal in parts": ({"refusal": [{"text": "no"}], "content": None}, {"refusal": "no", "content": None}),
    "arguments as an object": (
        {"content": None, "tool_calls": function(arguments={"b": 1, "a": [2]})},
        {"content": None, "tool_calls": function(arguments='{"b":1,"a":[2]}')},
    ),
    "an id as a number": ({"content": None, "tool_calls": call(id=5)}, {"content": None, "tool_calls": call(id="5")}),
    "a type of no meaning": ({"content": None, "tool_calls": call(type=5)}, {"content": None, "tool_calls": [CALL]}),
    "another type": ({"content": None, "tool_calls": call(type="tool")}, {"content": None, "tool_calls": [CALL]}),
}


async def whole(choices: Any, **members: Any) -> Json:
    upstream = always(lambda: httpx.Response(200, json={**HEAD, "choices": choices, **members}))
    return completed(await upstream.chat(REQUEST), "m")


async def sent(*chunks: Json) -> bytes:
    upstream = always(lambda: httpx.Response(200, headers=SSE, content=events(*chunks)))
    stream, said = ChunkStream("m", include_usage=True), b""
    async for batch in upstream.stream_chat(REQUEST):
        said += Events().of(stream.chunks(batch))
    return said + Events().of(stream.closing()) + DONE


@pytest.mark.parametrize("case", SAID)
async def test_what_is_said(case: str) -> None:
    came, goes_out = SAID[case]
    [choice] = (await whole([{"message": came, "finish_reason": "stop"}]))["choices"]
    assert choice["message"] == {"role": "assistant", **goes_out}
    chunk, *_ = chunks_of(await sent({**HEAD, "choices": [{"delta": came, "finish_reason": "stop"}]}))
    numbered = [{"index": at, **call} for at, call in enumerate(goes_out.get("tool_calls", []))]
    expected = {"role": "assistant", **goes_out, **({"tool_calls": numbered} if numbered else {})}
    assert chunk["choices"][0]["delta"] == expected


async def test_an_id_nobody_can_read_is_made_here() -> None:
    [choice] = (await whole([{"message": {"tool_calls": call(id=[])}}]))["choices"]
    assert choice["message"]["tool_calls"][0]["id"].startswith("call_")


@pytest.mark.parametrize("index", ["0", 0.0])
async def test_an_index_of_a_call_may_be_a_text_or_a_float(index: Any) -> None:
    begun = {"index": 0, **CALL, "function": {"name": "f", "arguments": "{"}}
    rest = {"index": index, "function": {"arguments": "}"}}
    ended = {"choices": [{"delta": {"tool_calls": [rest]}, "finish_reason": "tool_calls"}]}
    first, second, _ = chunks_of(await sent({**HEAD, "choices": [{"delta": {"tool_calls": [begun]}}]}, ended))
    assert first["choices"][0]["delta"]["tool_calls"][0]["index"] == 0
    assert second["choices"][0]["delta"]["tool_calls"] == [{"index": 0, "function": {"arguments": "}"}}]


async def test_a_call_of_a_function_by_its_old_name() -> None:
    [choice] = (await whole([{"message": {"function_call": {"name": "f", "arguments": {"a": 1}}}}]))["choices"]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": '{"a":1}'}


NOBODY_CAN_READ: list[tuple[Json, str]] = [
    ({"content": 5}, "content is not a text"),
    ({"content": {}}, "content is not a text"),
    ({"content": True}, "content is not a text"),
    ({"content": [5]}, r"content\[0\] is not a text"),
    ({"content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}, r"content\[1\] is not a text"),
    ({"content": [{"type": "thinking", "thinking": 5}]}, "reasoning_content is not a text"),
    ({"reasoning_content": 5}, "reasoning_content is not a text"),
    ({"refusal": {}}, "refusal is not a text"),
    ({"annotations": {}}, "annotations is not a list"),
    ({"audio": []}, "audio is not an object"),
    ({"extra_content": "x"}, "extra_content is not an object"),
    ({"tool_calls": {}}, "tool_calls is not a list"),
    ({"tool_calls": ["x"]}, r"tool_calls\[0\] is not an object"),
    ({"tool_calls": call(function="f")}, r"tool_calls\[0\].function is not an object"),
    ({"tool_calls": function(name=5)}, r"tool_calls\[0\].function.name is not a name"),
    ({"tool_calls": function(arguments=[{}])}, r"tool_calls\[0\].function.arguments is not a text"),
    ({"tool_calls": function(arguments=5)}, r"tool_calls\[0\].function.arguments is not a text"),
    ({"tool_calls": [{"type": "custom", "custom": 5}]}, r"tool_calls\[0\].custom is not an object"),
    ({"tool_calls": [{"type": "custom", "custom": {"input": {}}}]}, r"tool_calls\[0\].custom.input is not a text"),
    ({"function_call": "f"}, "function_call is not an object"),
    ({"function_call": {"name": "f", "arguments": 5}}, "function_call.arguments is not a text"),
]


@pytest.mark.parametrize(("said", "told"), NOBODY_CAN_READ)
async def test_what_nobody_can_read_is_the_upstreams_error(said: Json, told: str) -> None:
    with pytest.raises(UpstreamProtocolError, match=rf"malformed: choices\[0\]\.message\.{told}$"):
        await whole([{"message": said}])
    upstream = always(
        lambda: httpx.Response(200, headers=SSE, content=events({"choices": [{"delta": {"content": "a"}}]}, bad))
    )
    bad = {"choices": [{"delta": said, "finish_reason": "stop"}]}
    stream = upstream.stream_chat(REQUEST)
    assert len(await anext(stream)) == 1
    with pytest.raises(UpstreamProtocolError, match=rf"malformed: choices\[0\]\.delta\.{told}$"):
        await anext(stream)


@pytest.mark.parametrize(
    "said", [{"tool_calls": [{"id": "a"}]}, {"tool_calls": function(name="")}, {"function_call": {"arguments": "{}"}}]
)
async def test_a_call_of_nothing_is_the_upstreams_error(said: Json) -> None:
    with pytest.raises(UpstreamProtocolError, match=r"malformed: .* is not (a name|an object)$"):
        await whole([{"message": said}])


async def test_a_streamed_call_of_nothing_is_the_upstreams_error_also_where_it_is_folded() -> None:
    body = events({"choices": [{"delta": {"tool_calls": function(name=None)}, "finish_reason": "tool_calls"}]})
    with pytest.raises(UpstreamProtocolError, match="name is not a name"):
        await always(lambda: httpx.Response(200, headers=SSE, content=body)).chat(REQUEST)


@pytest.mark.parametrize(
    ("came", "goes_out"),
    [
        ([0, 1], [0, 1]),
        ([1, 0], [1, 0]),
        (["1", 0.0], [1, 0]),
        ([None, None], [0, 1]),
        ([1, None], [1, 0]),
        ([None, 2, None], [0, 2, 1]),
        ([0, 0, 0], [0, 1, 2]),
        ([1, 1, None], [0, 1, 2]),
        ([4], [4]),
    ],
)
async def test_indexes_of_a_whole_answer_differ(came: list[Any], goes_out: list[int]) -> None:
    choices = [{"message": {"content": "a"}} | ({} if index is None else {"index": index}) for index in came]
    assert [choice["index"] for choice in (await whole(choices))["choices"]] == goes_out


def test_choices_of_one_index_in_a_chunk_are_one() -> None:
    choices = settled_choices({"choices": [{"index": 0}, {"index": "0"}, {}]}, "delta")
    assert [choice["index"] for choice in choices] == [0, 0, 1]


@pytest.mark.parametrize(
    ("member", "came", "goes_out"),
    [
        ("system_fingerprint", 5, "5"),
        ("system_fingerprint", {}, None),
        ("service_tier", 1.5, None),
        ("service_tier", "flex", "flex"),
        ("id", 5, "5"),
        ("model", 5, "m"),
        ("model", None, "m"),
        ("created", "1700000001", 1700000001),
        ("created", 1700000001.5, 1700000001),
        ("object", 5, "chat.completion"),
    ],
)
async def test_what_stands_around_a_reply(member: str, came: Any, goes_out: Any) -> None:
    assert (await whole([{}], **{member: came}))[member] == goes_out
    chunk, *_ = chunks_of(await sent({**HEAD, "choices": [{"finish_reason": "stop"}], member: came}))
    assert chunk[member] == ("chat.completion.chunk" if member == "object" else goes_out)


@pytest.mark.parametrize(("came", "goes_out"), [("weird", "weird"), (7, "7"), ([], "odd")])
async def test_the_native_reason_is_a_text(came: Any, goes_out: str) -> None:
    [choice] = (await whole([{"finish_reason": "odd", "native_finish_reason": came}]))["choices"]
    assert choice["native_finish_reason"] == goes_out


async def test_a_repaired_answer_is_one_of_openais_shape() -> None:
    said = {"content": [{"text": "a"}], "tool_calls": function(arguments={})}
    usage = {"prompt_tokens": "3", "completion_tokens": 2.0}
    logprobs = {"content": [{"token": "a", "logprob": "-0.5"}]}
    answer = await whole([{"message": said, "logprobs": logprobs}], usage=usage, id=3, created="x", service_tier=4)
    assert completion_of(httpx.Response(200, json=answer).content)["usage"]["total_tokens"] == 5
