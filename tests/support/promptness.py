"""Bounds on time that hold on a machine busy with other things."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

_TURNS = 20
_TURN_SECONDS = 0.005
_PATIENCE_SECONDS = 10.0


async def happens_within_100_ms(event: asyncio.Event) -> None:
    """Waits for `event` for 100 ms, in turns: a stall of the whole process uses up one turn, however long it is."""
    for _ in range(_TURNS):
        with suppress(TimeoutError):
            async with asyncio.timeout(_TURN_SECONDS):
                await event.wait()
                return
    raise AssertionError("100 ms have passed")


async def is_so_within_100_ms(condition: Callable[[], bool]) -> bool:
    """Whether `condition` comes to hold in the same turns."""
    for _ in range(_TURNS):
        if condition():
            return True
        await asyncio.sleep(_TURN_SECONDS)
    return condition()


async def is_so_at_last(condition: Callable[[], bool]) -> None:
    """Waits for `condition`, where how long that takes is no matter."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await is_so_within_100_ms(condition):
            pass
