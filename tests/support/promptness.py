"""Bounds on time that hold on a machine busy with other things."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

_TURNS = 20
_TURN_SECONDS = 0.005


async def happens_within_100_ms(event: asyncio.Event) -> None:
    """Waits for `event` for 100 ms, in turns: a stall of the whole process uses up one turn, however long it is."""
    for _ in range(_TURNS):
        with suppress(TimeoutError):
            async with asyncio.timeout(_TURN_SECONDS):
                await event.wait()
                return
    raise AssertionError("100 ms have passed")


async def is_so_within_100_ms(condition: Callable[[], bool]) -> None:
    """Waits for `condition` in the same turns."""
    for _ in range(_TURNS):
        if condition():
            return
        await asyncio.sleep(_TURN_SECONDS)
    assert condition(), "100 ms have passed"
