"""How long a call may take, and that it takes no longer."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from modelwire_service.call_record import CallRecord, begin, current
from modelwire_service.dispatch.deadlines import Deadlines, TimeLimits, answer_by, limit
from modelwire_service.dispatch.waits import Watch, in_time
from modelwire_service.errors import DeadlineExceeded, UpstreamUnavailable

NOW = 5_000.0
LIMITS: dict[str, tuple[dict[str, str | bytes], float | None, tuple[float, float, float | None]]] = {
    "nothing given": ({}, None, (3600, 600, None)),
    "a gRPC deadline": ({}, 20.0, (20, 20, None)),
    "a gRPC deadline beyond the longest": ({}, 9_999.0, (3600, 3600, None)),
    "a read timeout": ({"x-stainless-read-timeout": "30.5"}, None, (3600, 30.5, 30.5)),
    "one above the default": ({"x-stainless-read-timeout": "900"}, None, (3600, 900, 900)),
    "one above the longest": ({"x-stainless-read-timeout": "9000"}, None, (3600, 3600, 9000)),
    "whole seconds, rounded down": ({"x-stainless-timeout": "30"}, None, (3600, 31, 31)),
    "less than a second, rounded down": ({"x-stainless-timeout": "0"}, None, (3600, 1, 1)),
    "both": ({"x-stainless-timeout": "30", "x-stainless-read-timeout": "7"}, None, (3600, 7, 7)),
    "one beside a deadline": ({"x-stainless-read-timeout": "7"}, 20.0, (20, 7, 7)),
    "one beyond a deadline": ({"x-stainless-read-timeout": "70"}, 20.0, (20, 20, 70)),
    "none is no time": ({"x-stainless-read-timeout": "0"}, None, (3600, 600, None)),
    "no number": ({"x-stainless-read-timeout": "NOT_GIVEN"}, None, (3600, 600, None)),
    "no time": ({"x-stainless-read-timeout": "nan", "x-stainless-timeout": "-3"}, None, (3600, 600, None)),
    "no end": ({"x-stainless-read-timeout": "inf"}, None, (3600, 600, None)),
    "bytes": ({"x-stainless-read-timeout": b"\xff"}, None, (3600, 600, None)),
}


@pytest.mark.parametrize("case", LIMITS)
def test_limits_come_of_what_a_caller_gives(case: str) -> None:
    metadata, remaining, (end, answer, gap) = LIMITS[case]
    limits = Deadlines(600, 3600).of(tuple(metadata.items()), remaining, NOW)
    assert limits == TimeLimits(NOW + end, NOW + answer, gap)


async def test_a_call_without_limits_has_that_of_its_record() -> None:
    begin(CallRecord("id", "rpc", ends_at=7.0))
    assert answer_by() == 7.0
    limit(TimeLimits(9.0, 8.0))
    assert (answer_by(), current().ends_at) == (8.0, 9.0)


def soon(seconds: float = 0.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def for_ever(cancelled: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        cancelled.set()


async def test_work_that_takes_too_long_is_cancelled() -> None:
    cancelled = asyncio.Event()
    with pytest.raises(DeadlineExceeded) as raised:
        await in_time(for_ever(cancelled), soon(0.01))
    assert cancelled.is_set()
    assert raised.value.retries_spent


async def test_work_for_which_no_time_is_left_is_not_begun() -> None:
    cancelled = asyncio.Event()
    with pytest.raises(DeadlineExceeded):
        await in_time(for_ever(cancelled), soon())
    assert not cancelled.is_set()


async def test_a_timeout_of_the_work_itself_is_left_alone() -> None:
    async def work() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await in_time(work(), soon(60))


async def watched(
    items: AsyncGenerator[int], ends_at: float | None, gap: float | None, between: asyncio.Event | None = None
) -> list[int]:
    """Reads as the dispatcher does; `between` is waited for after each item."""
    watch, found = Watch(ends_at, gap), []
    try:
        watch.begin()
        async for item in items:
            watch.end()
            found.append(item)
            if between is not None:
                await between.wait()
            watch.begin()
    except BaseException:
        watch.failed()
        raise
    finally:
        watch.close()
        await items.aclose()
    return found


async def then_silent(*items: int, closed: asyncio.Event | None = None) -> AsyncGenerator[int]:
    try:
        for item in items:
            yield item
        await asyncio.Event().wait()
    finally:
        if closed is not None:
            closed.set()


@pytest.mark.parametrize(("seconds", "gap"), [(0.02, None), (60.0, 0.02), (None, 0.02)])
async def test_a_stream_that_falls_silent_ends(seconds: float | None, gap: float | None) -> None:
    closed = asyncio.Event()
    with pytest.raises(DeadlineExceeded):
        await watched(then_silent(1, 2, closed=closed), None if seconds is None else soon(seconds), gap)
    assert closed.is_set()
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_gaps_bound_no_whole_stream() -> None:
    started = soon()

    async def items() -> AsyncGenerator[int]:
        while soon() < started + 0.6:
            yield 1
            await asyncio.sleep(0.005)

    assert await watched(items(), None, 0.5)


async def test_a_stream_that_never_waits_ends_at_its_time_too() -> None:
    async def items() -> AsyncGenerator[int]:
        while True:
            yield 1

    between, reading = asyncio.Event(), asyncio.current_task()
    assert reading is not None
    asyncio.get_running_loop().call_later(0.05, between.set)
    with pytest.raises(DeadlineExceeded):
        await watched(items(), soon(0.01), None, between)


async def test_a_reader_who_takes_time_is_not_cut_off_for_a_gap() -> None:
    async def items() -> AsyncGenerator[int]:
        yield 1
        yield 2

    between = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, between.set)
    assert await watched(items(), None, 0.01, between) == [1, 2]


async def test_who_leaves_a_watched_stream_just_leaves() -> None:
    task = asyncio.create_task(watched(then_silent(), soon(60), 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_stream_is_passed_on() -> None:
    async def items() -> AsyncGenerator[int]:
        yield 1
        raise UpstreamUnavailable("gone", sent=True)

    with pytest.raises(UpstreamUnavailable):
        await watched(items(), soon(60), 60)
