"""Upstreams that fail, and callers who leave or run out of time: what is tried again, what is told, what is held."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest
from aiohttp import web
from modelwire_service.access.gate import OpenGate
from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.deadlines import Deadlines
from modelwire_service.entrance import Entrance
from modelwire_service.limits.memory import MemoryLimiter
from support.promptness import happens_within_100_ms
from support.scripted_server import Answer
from support.scripted_upstream import (
    COMPLETION,
    DONE,
    ScriptedUpstream,
    answer_events,
    answer_json,
    answer_never,
    chunk,
)
from support.stack import Stack, openai_settings, running_stack

CHAT = "/v1/chat/completions"
REQUEST: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]}
BUSY = {"error": {"message": "busy"}}
STREAM = answer_events(chunk("Hel"), chunk("lo."), chunk(finish="stop"), DONE)


def in_turn(*answers: Answer) -> Answer:
    """The answers of one call after another; the last one of all that follow."""
    left = list(answers)

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request, body)

    return answer


def entrance(limit: int = 100, queue: int = 100, seconds: float = 600.0) -> Entrance:
    return Entrance(OpenGate(), MemoryLimiter(), Admission(limit, queue, "the server"), Deadlines(seconds, 3_600.0))


@asynccontextmanager
async def stack_of(upstream: ScriptedUpstream, door: Entrance | None = None, **settings: Any) -> AsyncIterator[Stack]:
    """In front of one upstream, without a wait between attempts but the one it tells."""
    async with running_stack(openai_settings(upstream.url, **settings), source=lambda: 0.0, entrance=door) as stack:
        yield stack


async def ask(stack: Stack, backend: str, client: httpx.AsyncClient, **members: Any) -> httpx.Response:
    return await client.post(stack.url(backend) + CHAT, json=REQUEST | members)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_the_upstream_did_not_take_is_tried_again(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient, status: int, streamed: bool
) -> None:
    busy = answer_json(BUSY, status)
    upstream.answer = in_turn(busy, busy, STREAM if streamed else answer_json(COMPLETION))
    async with stack_of(upstream) as stack:
        response = await ask(stack, backend, client, stream=streamed)
    assert (response.status_code, len(upstream.seen)) == (200, 3)
    assert response.content.endswith(DONE) == streamed


@pytest.mark.parametrize("streamed", [False, True])
async def test_what_stays_away_is_told_with_its_status_and_clients_do_not_multiply_it(
    upstream: ScriptedUpstream, backend: str, streamed: bool
) -> None:
    upstream.answer = answer_json(BUSY, 503)
    async with (
        stack_of(upstream) as stack,
        openai.AsyncOpenAI(base_url=f"{stack.url(backend)}/v1", api_key="none", max_retries=2) as caller,
    ):
        messages: Any = REQUEST["messages"]
        with pytest.raises(openai.APIStatusError) as raised:
            await caller.chat.completions.create(model="scripted", messages=messages, stream=streamed)
    assert (raised.value.status_code, len(upstream.seen)) == (503, 3)


async def test_what_may_have_been_worked_on_is_sent_once(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_json(BUSY, 500)
    async with stack_of(upstream) as stack:
        response = await ask(stack, backend, client)
    assert (response.status_code, len(upstream.seen)) == (503, 1)
    assert "x-should-retry" not in response.headers


async def test_another_upstream_answers_where_the_first_is_not_there(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        away = openai_settings(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", "away", weight=1, models=["scripted"])
        there = openai_settings(upstream.url, "there", weight=0)
        async with running_stack(away, there, source=lambda: 0.0) as stack:
            response = await ask(stack, backend, client)
            told = await ask(stack, backend, client, model="away/scripted")
    assert (response.status_code, len(upstream.seen)) == (200, 1)
    assert (told.status_code, told.headers["x-should-retry"]) == (503, "false")


async def test_a_stream_that_broke_off_is_not_begun_again(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_events(chunk("Hel"), BUSY | {"error": {"message": "busy", "code": 503}})
    async with stack_of(upstream) as stack:
        response = await ask(stack, backend, client, stream=True)
    assert (response.status_code, len(upstream.seen)) == (200, 1)
    assert b"busy" in response.content
    assert not response.content.endswith(DONE)


@pytest.mark.parametrize(
    ("wait", "seen", "told"),
    [("3", 1, "3"), ("60", 1, "60"), ("0", 2, None)],
    ids=["longer than the call may take", "longer than is waited for", "none"],
)
async def test_a_wait_too_long_is_told_in_its_place(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient, wait: str, seen: int, told: str | None
) -> None:
    upstream.answer = in_turn(answer_json(BUSY, 429, {"retry-after": wait}), answer_json(COMPLETION))
    async with stack_of(upstream, entrance(seconds=2.0)) as stack:
        response = await ask(stack, backend, client)
    assert (response.status_code, len(upstream.seen)) == (200 if told is None else 429, seen)
    assert response.headers.get("retry-after") == told


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_call_without_an_answer_in_its_time_is_closed_at_the_upstream_too(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient, streamed: bool
) -> None:
    upstream.answer = in_turn(answer_json(BUSY, 503), answer_never())
    async with stack_of(upstream, entrance(seconds=0.2)) as stack:
        response = await ask(stack, backend, client, stream=streamed)
        await asyncio.wait_for(upstream.left.wait(), 5)
    assert (response.status_code, len(upstream.seen)) == (504, 2)


PATIENCE = [{"x-stainless-read-timeout": "0.3"}, {"X-Stainless-Timeout": "0"}]


@pytest.mark.parametrize("patience", PATIENCE)
async def test_a_client_is_not_kept_longer_than_it_waits_for_anything(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient, patience: dict[str, str]
) -> None:
    upstream.answer = answer_never()
    async with stack_of(upstream) as stack:
        response = await client.post(stack.url(backend) + CHAT, json=REQUEST, headers=patience)
        await asyncio.wait_for(upstream.left.wait(), 5)
    assert (response.status_code, response.headers["x-should-retry"]) == (504, "false")


async def test_nor_in_the_middle_of_a_stream(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient
) -> None:
    async def stalls(index: int) -> None:
        if index:
            await asyncio.Event().wait()

    upstream.answer = answer_events(chunk("Hel"), chunk("lo."), before_each=stalls)
    async with stack_of(upstream) as stack:
        response = await client.post(stack.url(backend) + CHAT, json=REQUEST | {"stream": True}, headers=PATIENCE[0])
        await asyncio.wait_for(upstream.left.wait(), 5)
    assert response.status_code == 200
    assert b"Hel" in response.content
    assert b"DEADLINE_EXCEEDED" in response.content
    assert not response.content.endswith(DONE)


async def leaves(call: "asyncio.Task[httpx.Response]") -> None:
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def test_who_leaves_while_waiting_to_try_again_holds_nothing(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient
) -> None:
    upstream.answer = in_turn(answer_json(BUSY, 429, {"retry-after": "9"}), answer_json(COMPLETION))
    async with stack_of(upstream, entrance(limit=1)) as stack:
        first = asyncio.create_task(ask(stack, backend, client))
        await upstream.called.wait()
        upstream.called.clear()
        second = asyncio.create_task(ask(stack, backend, client))
        await asyncio.wait([second], timeout=0.1)
        assert len(upstream.seen) == 1
        await leaves(first)
        await happens_within_100_ms(upstream.called)
        assert (await second).status_code == 200


async def test_who_leaves_the_queue_of_an_upstream_frees_it(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient
) -> None:
    upstream.answer = in_turn(answer_never(), answer_json(COMPLETION))
    door = entrance()
    async with stack_of(upstream, door, max_concurrent=1, max_queued=1) as stack:
        running = asyncio.create_task(ask(stack, backend, client))
        await upstream.called.wait()
        queued = asyncio.create_task(ask(stack, backend, client))
        await until_running(door, 2)
        refused = await ask(stack, backend, client)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        await leaves(queued)
        await until_running(door, 1)
        next_one = asyncio.create_task(ask(stack, backend, client))
        await until_running(door, 2)
        await leaves(running)
        await happens_within_100_ms(upstream.left)
        assert (await next_one).status_code == 200
    assert len(upstream.seen) == 2


async def until_running(door: Entrance, calls: int) -> None:
    for _ in range(5_000):
        if door.running == calls:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{door.running} calls run, not {calls}")


async def test_an_upstream_that_never_answers_right_is_left_alone_and_others_are_asked(
    upstream: ScriptedUpstream, backend: str, client: httpx.AsyncClient
) -> None:
    upstream.answer = answer_json(BUSY, 500)
    async with ScriptedUpstream().listening() as other:
        first, second = openai_settings(upstream.url, "first"), openai_settings(other.url, "second", weight=0)
        async with running_stack(first, second, source=lambda: 0.0) as stack:
            statuses = [(await ask(stack, backend, client)).status_code for _ in range(8)]
    assert statuses == [503] * 5 + [200] * 3
    assert (len(upstream.seen), len(other.seen)) == (5, 3)
