"""The embedded upstream with its real models. What they say is never looked at, only its shape and what we enforce."""

import asyncio
import os
import select
import signal
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from modelwire_service.errors import InvalidRequest, UpstreamProtocolError, UpstreamRefused, UpstreamUnavailable
from modelwire_service.upstreams.base import Json, Upstream
from modelwire_service.upstreams.embedded.adapter import EmbeddedUpstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHAT, EMBEDDING = "smollm2-135m-instruct", "all-minilm-l6-v2"
REPLY_MEMBERS = {"id", "object", "created", "model", "system_fingerprint", "choices", "usage"}
DIGIT = {"type": "object", "properties": {"digit": {"enum": [1, 2, 3]}}, "required": ["digit"]} | {
    "additionalProperties": False
}
GUESS = {"type": "function", "function": {"name": "guess", "parameters": DIGIT}}
FLIP = {
    "type": "function",
    "function": {"name": "flip", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}},
}


def request(prompt: str = "Count to twenty.", **fields: Any) -> Json:
    return {"model": CHAT, "messages": [{"role": "user", "content": prompt}], "max_tokens": 8} | fields


def endless(prompt: str = "Tell a story.", **fields: Any) -> Json:
    """A request for a reply that ends only where it is made to: 2 is the token that ends replies."""
    return request(prompt, logit_bias={"2": -100}, **fields)


ENDLESS = endless(max_tokens=512)


def process_id(upstream: EmbeddedUpstream) -> int:
    assert upstream.chat_process_id is not None
    return upstream.chat_process_id


async def streamed(upstream: EmbeddedUpstream, asked: Json) -> list[Json]:
    return [chunk async for batch in upstream.stream_chat(asked) for chunk in batch]


def contents(reply: Json) -> list[str]:
    return [choice["message"]["content"] for choice in reply["choices"]]


def arguments(chunks: list[Json]) -> str:
    calls = [call for chunk in chunks for choice in chunk["choices"] for call in choice["delta"].get("tool_calls", [])]
    return "".join(call["function"]["arguments"] for call in calls)


def wait_for_end(pid: int) -> None:
    """Waits until a child of this process has ended; whether it was waited for does not matter."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([descriptor], [], [], 10)[0]
    os.close(descriptor)


async def test_it_is_an_upstream(embedded: EmbeddedUpstream) -> None:
    upstream: Upstream = embedded
    assert upstream.name == "embedded"
    await upstream.start()


async def test_it_lists_its_models(embedded: EmbeddedUpstream) -> None:
    models = await embedded.list_models()
    assert [model.id for model in models] == [CHAT, EMBEDDING]
    assert all(model.created > 1_600_000_000 and model.owned_by for model in models)


async def test_a_reply_has_the_shape_of_a_completion(embedded: EmbeddedUpstream) -> None:
    reply = await embedded.chat(endless())
    assert set(reply) == REPLY_MEMBERS
    assert (reply["object"], reply["model"]) == ("chat.completion", CHAT)
    (choice,) = reply["choices"]
    assert set(choice) == {"index", "message", "finish_reason"}
    assert set(choice["message"]) == {"role", "content"}
    assert (choice["index"], choice["message"]["role"], choice["finish_reason"]) == (0, "assistant", "length")


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
async def test_a_limit_of_tokens_is_kept(embedded: EmbeddedUpstream, field: str) -> None:
    reply = await embedded.chat(ENDLESS | {field: 3})
    assert reply["choices"][0]["finish_reason"] == "length"
    usage = reply["usage"]
    assert usage["completion_tokens"] == 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + 3


async def test_a_stream_has_the_shape_of_one(embedded: EmbeddedUpstream) -> None:
    *chunks, end, last = await streamed(embedded, endless())
    assert {chunk["object"] for chunk in [*chunks, end, last]} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in [*chunks, end, last]}) == 1
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [chunk["choices"][0]["finish_reason"] for chunk in [*chunks, end]] == [None] * len(chunks) + ["length"]
    assert not any("usage" in chunk or "timings" in chunk for chunk in [*chunks, end])
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 8)


async def test_a_stream_says_what_a_reply_says(embedded: EmbeddedUpstream) -> None:
    reply = await embedded.chat(endless(seed=3))
    chunks = await streamed(embedded, endless(seed=3))
    pieces = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
    assert "".join(pieces) == contents(reply)[0]
    assert len([piece for piece in pieces if piece]) > 1


async def test_a_seed_gives_the_same_reply_again_beside_other_calls(embedded: EmbeddedUpstream) -> None:
    asked = endless("Write a poem.", seed=11)
    first, _, second, other = await asyncio.gather(
        embedded.chat(asked), embedded.chat(request("Hi!")), embedded.chat(asked), embedded.chat(asked | {"seed": 12})
    )
    assert contents(first) == contents(second) != contents(other)


async def test_a_stop_sequence_ends_the_reply(embedded: EmbeddedUpstream) -> None:
    asked = endless(seed=1, temperature=0)
    (whole,) = contents(await embedded.chat(asked))
    reply = await embedded.chat(asked | {"stop": [whole[3:5]]})
    assert reply["choices"][0]["finish_reason"] == "stop"
    assert whole.startswith(contents(reply)[0])
    assert whole[3:5] not in contents(reply)[0]


async def test_several_choices_differ_by_their_seeds(embedded: EmbeddedUpstream) -> None:
    reply = await embedded.chat(endless("Write a poem.", n=3, seed=5))
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2]
    assert reply["usage"]["completion_tokens"] == 24
    assert reply["usage"]["total_tokens"] == reply["usage"]["prompt_tokens"] + 24
    assert contents(reply)[1:] == contents(await embedded.chat(endless("Write a poem.", n=2, seed=6)))


async def test_several_choices_are_streamed_in_turn(embedded: EmbeddedUpstream) -> None:
    *chunks, last = await streamed(embedded, endless(n=2, max_tokens=3))
    indexes = [chunk["choices"][0]["index"] for chunk in chunks]
    assert indexes == sorted(indexes)
    assert set(indexes) == {0, 1}
    assert [chunk["choices"][0]["index"] for chunk in chunks if chunk["choices"][0]["finish_reason"]] == [0, 1]
    assert len({chunk["id"] for chunk in [*chunks, last]}) == 1
    assert last["usage"]["completion_tokens"] == 6


async def test_log_probabilities_have_the_members_of_the_api(embedded: EmbeddedUpstream) -> None:
    reply = await embedded.chat(endless(logprobs=True, top_logprobs=2, max_tokens=2))
    tokens = reply["choices"][0]["logprobs"]["content"]
    assert len(tokens) == 2
    assert all(set(token) == {"token", "logprob", "bytes", "top_logprobs"} for token in tokens)
    assert all(len(token["top_logprobs"]) == 2 for token in tokens)


async def test_a_reply_follows_its_schema(embedded: EmbeddedUpstream) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "guess", "schema": DIGIT}}
    (content,) = contents(await embedded.chat(request("A digit?", response_format=form, max_tokens=120, seed=1)))
    assert orjson.loads(content)["digit"] in (1, 2, 3)


NAMED = {"type": "function", "function": {"name": "guess"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}}


@pytest.mark.parametrize("choice", ["required", NAMED, ALLOWED])
async def test_a_forced_tool_is_called(embedded: EmbeddedUpstream, choice: object) -> None:
    tools = [GUESS] if choice == "required" else [FLIP, GUESS]
    reply = await embedded.chat(request("A digit?", tools=tools, tool_choice=choice, max_tokens=120, seed=1))
    (answer,) = reply["choices"]
    assert (answer["finish_reason"], answer["message"]["content"]) == ("tool_calls", None)
    (call,) = answer["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "guess")
    assert orjson.loads(call["function"]["arguments"])["digit"] in (1, 2, 3)


async def test_one_of_several_tools_is_called(embedded: EmbeddedUpstream) -> None:
    asked = request("A digit?", tools=[FLIP, GUESS], tool_choice="required", max_tokens=160, seed=1)
    (call,) = (await embedded.chat(asked))["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] in ("flip", "guess")
    assert isinstance(orjson.loads(call["function"]["arguments"]), dict)
    chunks = await streamed(embedded, asked)
    assert orjson.loads(arguments(chunks)) == orjson.loads(call["function"]["arguments"])
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_forced_call_is_streamed_in_fragments(embedded: EmbeddedUpstream) -> None:
    chunks = await streamed(embedded, request(tools=[GUESS], tool_choice="required", max_tokens=120, seed=1))
    first, *more = [chunk["choices"][0]["delta"] for chunk in chunks[:-2]]
    assert first["tool_calls"][0]["function"] == {"name": "guess", "arguments": ""}
    assert all(set(delta["tool_calls"][0]) == {"index", "function"} for delta in more)
    assert orjson.loads(arguments(chunks))["digit"] in (1, 2, 3)
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_tools_left_to_the_model_are_accepted(embedded: EmbeddedUpstream) -> None:
    reply = await embedded.chat(request(tools=[GUESS], tool_choice="auto"))
    assert reply["choices"][0]["finish_reason"] in ("length", "stop", "tool_calls")


async def test_a_conversation_with_all_roles_is_read(embedded: EmbeddedUpstream) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "guess", "arguments": "{}"}}
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "2"},
    ]
    assert (await embedded.chat(request(messages=messages)))["choices"][0]["finish_reason"]


async def test_an_assistant_s_last_word_is_not_continued(embedded: EmbeddedUpstream) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Zanzibar is"}]
    (content,) = contents(await embedded.chat(request(messages=messages, max_tokens=3)))
    assert "Zanzibar is" not in content


@pytest.mark.parametrize(
    ("method", "asked", "message"),
    [
        ("chat", request(model=EMBEDDING), "model: all-minilm-l6-v2 answers embeddings, not chat"),
        ("chat", request(top_k=1), "top_k: the embedded model does not take this"),
        ("embed", {"model": CHAT, "input": ["a"]}, f"model: {CHAT} answers chat, not embeddings"),
        ("embed", {"model": EMBEDDING, "input": ["a"], "task": 1}, "task: the embedded model does not take this"),
        ("embed", {"model": EMBEDDING, "input": ["a"], "dimensions": 385}, "dimensions: must be between 1 and 384"),
    ],
)
async def test_what_it_cannot_do_is_refused(embedded: EmbeddedUpstream, method: str, asked: Json, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await getattr(embedded, method)(asked)
    assert str(caught.value) == message


async def test_what_it_cannot_do_is_refused_in_streams(embedded: EmbeddedUpstream) -> None:
    with pytest.raises(InvalidRequest, match="n: must be at most 8"):
        await streamed(embedded, request(n=9))


async def test_a_prompt_beyond_the_context_is_refused(embedded: EmbeddedUpstream) -> None:
    with pytest.raises(UpstreamRefused, match="exceeds the available context size") as caught:
        await embedded.chat(request("word " * 9000))
    assert caught.value.http_status == 400


async def test_embeddings_count_tokens_and_keep_order(embedded: EmbeddedUpstream) -> None:
    both = await embedded.embed({"model": EMBEDDING, "input": ["hello", "good bye"], "dimensions": 8, "user": "u"})
    second = await embedded.embed({"model": EMBEDDING, "input": ["good bye"], "dimensions": 8})
    assert (both.model, both.prompt_tokens, both.total_tokens) == (EMBEDDING, 7, 7)
    assert [vector.shape for vector in both.vectors] == [(8,), (8,)]
    assert both.vectors[1].tolist() == second.vectors[0].tolist()


async def replied(upstream: EmbeddedUpstream, asked: Json) -> Json:
    return await upstream.chat(asked)


@pytest.mark.parametrize("call", [replied, streamed])
async def test_callers_who_leave_free_the_model(
    embedded: EmbeddedUpstream, call: Callable[[EmbeddedUpstream, Json], Awaitable[object]]
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await asyncio.gather(*(call(embedded, ENDLESS) for _ in range(6)))
    async with asyncio.timeout(5):  # six whole replies take far longer
        await embedded.chat(request(max_tokens=1))


async def test_a_stream_closed_early_frees_the_model(embedded: EmbeddedUpstream) -> None:
    for _ in range(6):
        async with aclosing(embedded.stream_chat(ENDLESS)) as stream:
            await anext(stream)
    async with asyncio.timeout(5):
        await embedded.chat(request(max_tokens=1))


async def test_a_call_after_the_model_s_process_died_is_answered(embedded: EmbeddedUpstream) -> None:
    pid = process_id(embedded)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    assert (await embedded.chat(request(max_tokens=1)))["choices"]
    assert process_id(embedded) != pid


async def test_calls_in_flight_when_the_process_dies_end_with_an_error_and_later_ones_do_not(
    embedded: EmbeddedUpstream,
) -> None:
    async with aclosing(embedded.stream_chat(ENDLESS)) as stream:
        await anext(stream)
        waiting = asyncio.ensure_future(embedded.chat(ENDLESS))
        for _ in range(10):  # by then the second call waits for the first
            await anext(stream)
        os.kill(process_id(embedded), signal.SIGKILL)
        with pytest.raises((UpstreamUnavailable, UpstreamProtocolError)):
            async for _ in stream:
                pass
    with pytest.raises(UpstreamUnavailable):
        await waiting
    assert (await streamed(embedded, request(max_tokens=1)))[-1]["usage"]


async def test_closing_ends_the_model_s_process() -> None:
    upstream = EmbeddedUpstream("local")
    await upstream.start()
    pid = process_id(upstream)
    await upstream.close()
    assert upstream.name == "local"
    assert upstream.chat_process_id is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
