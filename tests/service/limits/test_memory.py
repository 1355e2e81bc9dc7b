"""Limits counted in this process, by a clock that tests set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelwire_service.access.caller import ANYONE, Caller, Limits
from modelwire_service.errors import LimitExceeded
from modelwire_service.limits.base import NO_LIMITS, Lease
from modelwire_service.limits.memory import MemoryLimiter
from support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> MemoryLimiter:
    return MemoryLimiter(clock)


def limited(requests: int | None = None, tokens: int | None = None, concurrency: int | None = None) -> Caller:
    return Caller(id="k-1", limits=Limits(requests, tokens, concurrency))


async def refused(limiter: MemoryLimiter, caller: Caller) -> float | None:
    """When to try again, as a caller is told who must be refused."""
    with pytest.raises(LimitExceeded) as raised:
        await limiter.admit(caller)
    return raised.value.retry_after


async def test_callers_without_limits_are_not_counted(limiter: MemoryLimiter) -> None:
    for _ in range(3):
        assert await limiter.admit(ANYONE) is NO_LIMITS
    assert list(NO_LIMITS.headers) == []
    NO_LIMITS.end(5)


async def test_a_minutes_worth_of_requests_is_let_through_at_once_and_then_one_after_another(
    limiter: MemoryLimiter, clock: Clock
) -> None:
    caller = limited(requests=30)
    for _ in range(30):
        await limiter.admit(caller)
    assert await refused(limiter, caller) == 2.0
    clock.now += 1.5
    assert await refused(limiter, caller) == 0.5
    clock.now += 0.5
    await limiter.admit(caller)
    assert await refused(limiter, caller) == 2.0


@pytest.mark.parametrize("requests", [1, 7, 59, 999])
async def test_waiting_as_long_as_told_is_enough(limiter: MemoryLimiter, clock: Clock, requests: int) -> None:
    caller = limited(requests=requests)
    for _ in range(requests):
        await limiter.admit(caller)
    for _ in range(5):
        retry_after = await refused(limiter, caller)
        assert retry_after is not None
        clock.now += retry_after
        await limiter.admit(caller)


async def test_tokens_are_paid_when_a_call_ends_and_debts_are_waited_for(limiter: MemoryLimiter, clock: Clock) -> None:
    caller = limited(tokens=60)
    first, second = await limiter.admit(caller), await limiter.admit(caller)
    first.end(60)
    assert await refused(limiter, caller) == 1.0
    second.end(30)
    assert await refused(limiter, caller) == 31.0
    clock.now += 31
    await limiter.admit(caller)


async def test_idle_time_fills_no_bucket_beyond_a_minutes_worth(limiter: MemoryLimiter, clock: Clock) -> None:
    caller = limited(requests=2, tokens=10)
    (await limiter.admit(caller)).end(0)
    clock.now += 3600
    (await limiter.admit(caller)).end(10)
    assert await refused(limiter, caller) == 6.0


async def test_a_long_call_pays_from_what_the_bucket_holds_at_its_end(limiter: MemoryLimiter, clock: Clock) -> None:
    caller = limited(tokens=60)
    call = await limiter.admit(caller)
    clock.now += 600
    call.end(60)
    assert await refused(limiter, caller) == 1.0


async def test_calls_at_once_are_counted_until_they_end(limiter: MemoryLimiter) -> None:
    caller = limited(concurrency=2)
    first, _ = await limiter.admit(caller), await limiter.admit(caller)
    assert await refused(limiter, caller) == 1.0
    first.end(0)
    await limiter.admit(caller)
    assert await refused(limiter, caller) == 1.0


async def test_a_lease_ends_once(limiter: MemoryLimiter) -> None:
    caller = limited(tokens=60, concurrency=1)
    first = await limiter.admit(caller)
    first.end(30)
    first.end(30)
    second = await limiter.admit(caller)
    first.end(30)
    assert await refused(limiter, caller) == 1.0
    second.end(30)
    assert await refused(limiter, caller) == 1.0


async def test_refused_calls_count_for_nothing(limiter: MemoryLimiter, clock: Clock) -> None:
    caller = limited(requests=60, concurrency=1)
    call = await limiter.admit(caller)
    for _ in range(100):
        await refused(limiter, caller)
    call.end(0)
    assert dict((await limiter.admit(caller)).headers)["x-ratelimit-remaining-requests"] == "58"


async def test_callers_are_counted_apart(limiter: MemoryLimiter) -> None:
    first, second = (Caller(id=id_, limits=Limits(requests_per_minute=1)) for id_ in ("k-1", "k-2"))
    await limiter.admit(first)
    await limiter.admit(second)
    await refused(limiter, first)


async def test_limits_that_change_hold_from_the_next_call_on(limiter: MemoryLimiter, clock: Clock) -> None:
    for _ in range(60):
        await limiter.admit(limited(requests=60))
    clock.now += 30
    await limiter.admit(limited(requests=2, tokens=10))
    assert await refused(limiter, limited(requests=1)) == 60.0
    await limiter.admit(limited(tokens=10))


async def test_headers_tell_how_a_caller_stands_once_admitted(limiter: MemoryLimiter, clock: Clock) -> None:
    caller = limited(requests=60, tokens=600)
    (await limiter.admit(caller)).end(100)
    clock.now += 0.5
    lease = await limiter.admit(caller)
    clock.now += 60
    assert dict(lease.headers) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "58",
        "x-ratelimit-reset-requests": "1.5s",
        "x-ratelimit-limit-tokens": "600",
        "x-ratelimit-remaining-tokens": "505",
        "x-ratelimit-reset-tokens": "9.5s",
    }


@given(
    requests=st.integers(1, 20),
    concurrency=st.integers(1, 5),
    steps=st.lists(st.tuples(st.floats(0, 40), st.integers(0, 6), st.integers(0, 6)), max_size=30),
)
def test_no_stretch_of_time_lets_more_through_than_the_buckets_allow(
    requests: int, concurrency: int, steps: list[tuple[float, int, int]]
) -> None:
    clock = Clock()
    limiter, caller = MemoryLimiter(clock), limited(requests=requests, concurrency=concurrency)
    admitted: list[float] = []
    running: list[Lease] = []
    for seconds, asked, ended in steps:
        clock.now += seconds
        for _ in range(asked):
            try:
                running.append(limiter.admit_at_once(caller))
            except LimitExceeded:
                continue
            admitted.append(clock.now)
        assert len(running) <= concurrency
        for lease in running[:ended]:
            lease.end(0)
        del running[:ended]
    for first, began in enumerate(admitted):
        for last, ends in enumerate(admitted[first:], first):
            assert last - first + 1 <= requests * (1 + (ends - began) / 60) + 1e-3
