"""Several processes that count in one Redis."""

import asyncio
import json
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

import pytest
from modelwire_service.errors import LimitExceeded
from modelwire_service.limits.redis_limiter import RedisLimiter
from support import limited_process
from support.limits import SeenRedis, limited

Call = tuple[float, float, float]
PROCESSES = 3


def process(url: str, lease_seconds: float, limits: list[int | None], *what: str) -> "subprocess.Popen[str]":
    program = str(Path(limited_process.__file__))
    command = [sys.executable, program, url, str(lease_seconds), json.dumps(limits), *what]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def calls_of_several(url: str, limits: list[int | None], tasks: int, tries: int) -> list[Call]:
    """The calls that several processes were let make, by the time they were asked for."""
    started = [process(url, 15, limits, "admit", str(tasks), str(tries)) for _ in range(PROCESSES)]
    printed = [each.communicate(timeout=60)[0] for each in started]
    assert [each.returncode for each in started] == [0] * PROCESSES
    return sorted(tuple(call) for lines in printed for call in json.loads(lines))


@pytest.mark.parametrize(("requests", "tries"), [(120, 60), (1200, 60)])
def test_no_stretch_of_time_lets_more_through_than_the_limit_allows(redis_url: str, requests: int, tries: int) -> None:
    calls = calls_of_several(redis_url, [requests, None, None], tasks=8, tries=tries)
    assert len(calls) >= requests or len(calls) == PROCESSES * 8 * tries
    for first, (began, _, _) in enumerate(calls):
        # Those admitted by some moment, of all that were asked for since `began`, lie wholly within that stretch.
        for number, ends in enumerate(sorted(admitted for _, admitted, _ in calls[first:]), 1):
            assert number <= requests * (1 + (ends - began) / 60) + 0.01


def test_no_more_calls_are_under_way_than_the_limit_allows(redis_url: str) -> None:
    calls = calls_of_several(redis_url, [None, None, 7], tasks=10, tries=60)
    begins = [(admitted, 1) for _, admitted, _ in calls]
    ends = [(ended, -1) for _, _, ended in calls]
    under_way = list(accumulate(change for _, change in sorted(begins + ends)))
    assert 4 <= max(under_way) <= 7


async def test_calls_of_a_killed_process_end(redis_url: str, redis: SeenRedis) -> None:
    caller, limiter = limited(concurrency=3), RedisLimiter(redis_url)
    holder = process(redis_url, 1.5, [None, None, 3], "hold", "3")
    assert holder.stdout is not None
    assert await asyncio.to_thread(holder.stdout.readline) == "held\n"
    with pytest.raises(LimitExceeded):
        await limiter.admit(caller)
    async with redis.happening("expired") as expired:
        holder.kill()
        await expired()
    await limiter.admit(caller)
    await limiter.close()
    holder.communicate(timeout=30)
