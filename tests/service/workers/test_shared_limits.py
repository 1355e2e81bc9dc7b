"""Limits counted elsewhere, beside those counted here."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelwire_service.access.caller import ANYONE, Caller, Limits
from modelwire_service.errors import LimitExceeded
from modelwire_service.limits.base import NO_LIMITS, Lease, Limiter
from modelwire_service.limits.memory import MemoryLimiter
from modelwire_service.workers.channel import Channel
from modelwire_service.workers.shared_limits import SupervisedLimiter, WorkersCalls


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Pair:
    """A worker's limiter, and both ends of what is between it and the supervisor."""

    limiter: SupervisedLimiter
    worker: Channel
    supervisor: Channel
    calls: WorkersCalls

    async def settled(self) -> None:
        """Returns when the supervisor has done all it was told."""
        await self.worker.ask("ping")


@asynccontextmanager
async def workers(shared: MemoryLimiter, count: int = 1) -> AsyncIterator[list[Pair]]:
    pairs = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        calls = WorkersCalls(shared)
        supervisor = await Channel.over(ours, {**calls.handlers, "ping": lambda: None})
        worker = await Channel.over(theirs, {})
        pairs.append(Pair(SupervisedLimiter(worker), worker, supervisor, calls))
    try:
        yield pairs
    finally:
        for pair in pairs:
            pair.worker.close()
            await pair.supervisor.lost
            await pair.worker.lost


def limited(requests: int | None = None, tokens: int | None = None, concurrency: int | None = None) -> Caller:
    return Caller(id="k-1", limits=Limits(requests, tokens, concurrency))


async def outcome(limiter: Limiter, caller: Caller) -> tuple[Lease | None, object]:
    """The lease of a call, if it is admitted, and all that its caller is told of its limits."""
    try:
        lease = await limiter.admit(caller)
    except LimitExceeded as error:
        return None, (error.message, error.retry_after, tuple(error.headers))
    return lease, tuple(lease.headers)


Step = tuple[Literal["admit", "end", "wait"], int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("admit"), st.just(0)),
        st.tuples(st.just("end"), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.integers(0, 90)),
    ),
    max_size=40,
)
LIMITS = st.builds(Limits, *(st.none() | st.integers(1, most) for most in (8, 40, 4)))


@settings(max_examples=60, deadline=None)
@given(STEPS, LIMITS)
def test_callers_are_told_what_one_process_would_tell_them(steps: list[Step], limits: Limits) -> None:
    asyncio.run(_same(steps, Caller(id="k-1", limits=limits)))


async def _same(steps: list[Step], caller: Caller) -> None:
    clock = Clock()
    alone = MemoryLimiter(clock)
    async with workers(MemoryLimiter(clock), count=2) as pairs:
        leases: list[tuple[Lease, Lease]] = []
        for number, (step, amount) in enumerate(steps):
            if step == "admit":
                here, told = await outcome(alone, caller)
                there, told_there = await outcome(pairs[number % 2].limiter, caller)
                assert told_there == told
                if here is not None and there is not None:
                    leases.append((here, there))
            elif step == "end" and leases:
                for lease in leases.pop(0):
                    lease.end(amount)
                    lease.end(amount)
            else:
                clock.now += amount
            for pair in pairs:
                await pair.settled()


async def test_a_caller_without_limits_is_nobodys_business() -> None:
    async with workers(MemoryLimiter()) as [pair]:
        pair.supervisor.close()
        await pair.worker.lost
        assert await pair.limiter.admit(ANYONE) is NO_LIMITS


async def test_no_more_calls_are_under_way_in_all_workers_than_the_limit_allows() -> None:
    caller, under_way, most = limited(concurrency=3), 0, 0

    async def call(limiter: Limiter) -> int:
        nonlocal under_way, most
        try:
            lease = await limiter.admit(caller)
        except LimitExceeded:
            return 0
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        lease.end(1)
        return 1

    async with workers(MemoryLimiter(), count=4) as pairs:
        admitted = 0
        for _ in range(20):
            admitted += sum(await asyncio.gather(*(call(pair.limiter) for pair in pairs for _ in range(3))))
    assert most == 3
    assert 60 <= admitted < 240


async def test_the_calls_of_a_worker_that_is_gone_are_over() -> None:
    async with workers(MemoryLimiter(), count=2) as [one, other]:
        for _ in range(2):
            await one.limiter.admit(limited(concurrency=3))
        await other.limiter.admit(limited(concurrency=3))
        assert (await outcome(other.limiter, limited(concurrency=3)))[0] is None
        one.calls.give_back()
        for _ in range(2):
            await other.limiter.admit(limited(concurrency=3))
        assert (await outcome(other.limiter, limited(concurrency=3)))[0] is None


async def test_a_call_that_leaves_before_it_is_let_in_counts_for_nothing() -> None:
    caller = limited(requests=2, concurrency=1)
    async with workers(MemoryLimiter(lambda: 0.0)) as [pair]:
        leaving = asyncio.create_task(pair.limiter.admit(caller))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        lease = await pair.limiter.admit(caller)
        assert dict(lease.headers)["x-ratelimit-remaining-requests"] == "1"


async def test_who_waits_for_a_supervisor_that_is_gone_is_told() -> None:
    async with workers(MemoryLimiter()) as [pair]:
        waiting = asyncio.create_task(pair.limiter.admit(limited(concurrency=1)))
        pair.supervisor.close()
        with pytest.raises(ConnectionError):
            await asyncio.gather(waiting, pair.worker.ask("ping"))
