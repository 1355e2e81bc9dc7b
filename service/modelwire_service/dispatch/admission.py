"""How many calls run at once, how many more wait for their turn, and the refusal of all others.

A place that becomes free goes to whoever waits longest, from hand to hand: nobody who comes later takes it in between.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from modelwire_service.errors import DeadlineExceeded, Overloaded

RETRY_AFTER_SECONDS: Final = 1.0


class Admission:
    """`limit` calls at once, `queue` more that wait. `what` is overloaded where there are more than both.

    Every `enter` that returns needs one `leave`.
    """

    def __init__(self, limit: int, queue: int, what: str) -> None:
        self._limit = limit
        self._queue = queue
        self._what = what
        self._running = 0
        self._waiting: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    @property
    def running(self) -> int:
        return self._running

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def enter(self, ends_at: float | None = None) -> None:
        """Takes a place, waiting until `ends_at` (on the running loop's clock) where none is free.

        Raises Overloaded at once where too many wait already, and DeadlineExceeded.
        """
        if self._running < self._limit:
            self._running += 1
            return
        if len(self._waiting) >= self._queue:
            raise Overloaded(f"{self._what} has more calls than it takes", retry_after=RETRY_AFTER_SECONDS)
        try:
            async with asyncio.timeout_at(ends_at):
                await self._turn()
        except TimeoutError:
            raise DeadlineExceeded(f"the call's time was over while it waited for {self._what}") from None

    def leave(self) -> None:
        """Gives the place to the next, or back."""
        while self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            if not turn.cancelled():
                turn.set_result(None)
                return
        self._running -= 1

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = None
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.pop(turn, None)
            else:  # the place was given in the very moment of leaving
                self.leave()
            raise
