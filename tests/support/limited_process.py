"""A process of its own whose calls are limited through Redis; run as a program.

    limited_process.py URL LEASE_SECONDS LIMITS admit TASKS TRIES   makes calls, prints when, and ends
    limited_process.py URL LEASE_SECONDS LIMITS hold COUNT          begins calls, says so, and goes on with them

LIMITS is a JSON list: requests a minute, tokens a minute, calls at once. Times are those of CLOCK_MONOTONIC, which all
processes share.
"""

import asyncio
import json
import random
import sys
import time

from modelwire_service.access.caller import Caller, Limits
from modelwire_service.errors import LimitExceeded
from modelwire_service.limits.redis_limiter import RedisLimiter

CALLER_ID = "k-1"


async def admit(limiter: RedisLimiter, caller: Caller, tasks: int, tries: int) -> None:
    """Prints, for each admitted call, when it was asked for, was admitted and ended."""
    calls: list[tuple[float, float, float]] = []

    async def call_again_and_again() -> None:
        for _ in range(tries):
            asked = time.monotonic()
            try:
                lease = await limiter.admit(caller)
            except LimitExceeded:
                continue
            admitted = time.monotonic()
            await asyncio.sleep(random.uniform(0, 0.01))
            calls.append((asked, admitted, time.monotonic()))
            lease.end(1)

    await asyncio.gather(*(call_again_and_again() for _ in range(tasks)))
    await limiter.close()
    sys.stdout.write(json.dumps(calls))


async def hold(limiter: RedisLimiter, caller: Caller, number: int) -> None:
    for _ in range(number):
        await limiter.admit(caller)
    sys.stdout.write("held\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def main(url: str, lease_seconds: str, limits: str, what: str, *numbers: str) -> None:
    caller = Caller(id=CALLER_ID, limits=Limits(*json.loads(limits)))
    limiter = RedisLimiter(url, float(lease_seconds))
    if what == "admit":
        tasks, tries = map(int, numbers)
        await admit(limiter, caller, tasks, tries)
    else:
        await hold(limiter, caller, int(numbers[0]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
