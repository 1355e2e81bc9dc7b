"""What two processes say to each other, both ends in one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from modelwire_service.workers.channel import Channel, Handlers


@asynccontextmanager
async def connected(handlers: Handlers) -> AsyncIterator[tuple[Channel, Channel]]:
    """One end that asks and one that has `handlers`."""
    one, other = socket.socketpair()
    asking, answering = await Channel.over(one, {}), await Channel.over(other, handlers)
    try:
        yield asking, answering
    finally:
        asking.close()
        await asking.lost
        await answering.lost


@pytest.mark.parametrize("said", [[], ["line\nbreak", "é🦙", None, 1.5, {"a": [1]}], ["x" * 3_000_000]], ids=len)
async def test_what_is_said_arrives_as_it_was(said: list[Any]) -> None:
    async with connected({"echo": lambda *arguments: list(arguments)}) as (asking, _):
        assert await asking.ask("echo", *said) == said


async def test_answers_find_those_who_asked_in_whatever_order_they_come() -> None:
    gates = [asyncio.Event() for _ in range(3)]

    async def answer(number: int) -> int:
        await gates[number].wait()
        return number

    async with connected({"answer": answer, "at_once": lambda: "at once"}) as (asking, _):
        asked = [asyncio.create_task(asking.ask("answer", number)) for number in range(3)]
        assert await asking.ask("at_once") == "at once"
        for number in (2, 0, 1):
            gates[number].set()
            assert await asked[number] == number


async def test_who_leaves_has_the_work_ended_and_nobody_elses() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with connected({"work": work, "echo": lambda said: said}) as (asking, _), asyncio.timeout(10):
        leaving = asyncio.create_task(asking.ask("work"))
        await began.wait()
        leaving.cancel()
        await ended.wait()
        assert await asking.ask("echo", "still there") == "still there"


async def test_with_the_one_who_asked_the_work_ends() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with connected({"work": work}) as (asking, _), asyncio.timeout(10):
        waiting = asyncio.create_task(asking.ask("work"))
        await began.wait()
        asking.close()
        with pytest.raises(ConnectionError):
            await waiting
        await ended.wait()


async def test_nothing_can_be_asked_of_who_is_gone() -> None:
    async with connected({}) as (asking, answering):
        answering.close()
        await asking.lost
        asking.tell("anything")
        with pytest.raises(ConnectionError):
            await asking.ask("anything")


async def test_work_that_fails_is_told_to_who_asked_for_it() -> None:
    async def work() -> None:
        raise LookupError("no such thing")

    async with connected({"work": work}) as (asking, _):
        with pytest.raises(RuntimeError, match="LookupError: no such thing"):
            await asking.ask("work")
