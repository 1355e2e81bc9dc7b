"""Bounds the wait for an answer, and each wait of a stream by one timer for all of them.

Theory of operation. A timeout of asyncio's around each wait would cost more than all else that is done for a batch. So
there is one timer. It is set for the end of the first wait, and when it goes off too early, because other waits have
begun since, it is set again for the end of the last. At the end of a wait that is still going on, it cancels the task
that waits, and the cancellation is taken back where it comes out, as `asyncio.timeout` does it. While nobody waits,
because whoever reads is busy with what they got, the timer does nothing, and is set again with the next wait.
"""

import asyncio
import math
from collections.abc import Coroutine
from typing import Any, TypeVar

from modelwire_service.dispatch.deadlines import answer_by, exceeded

Result = TypeVar("Result")


class Watch:
    """Bounds each wait by `gap` seconds, and all of them by the time `ends_at` on the loop's clock.

    A wait begins with `begin`, and ends with `end`, or with `failed` where it raised anything. `close` after all.
    """

    __slots__ = ("_by", "_cancelling", "_ends_at", "_expired", "_gap", "_loop", "_task", "_timer", "_waiting")

    def __init__(self, ends_at: float | None, gap: float | None) -> None:
        self._ends_at = self._by = math.inf if ends_at is None else ends_at
        self._gap = gap
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._waiting = False
        self._expired = False
        self._cancelling = 0

    def begin(self) -> None:
        """A wait begins. Raises DeadlineExceeded if there is no time for it."""
        self._task = asyncio.current_task(self._loop)  # without the loop it takes five times as long
        if self._gap is not None:
            self._by = min(self._loop.time() + self._gap, self._ends_at)
        if self._timer is None and self._by != math.inf:
            if self._expired or self._loop.time() >= self._by:
                raise exceeded()
            self._timer = self._loop.call_at(self._by, self._off)
        self._waiting = True

    def end(self) -> None:
        """What was waited for is there."""
        self._waiting = False

    def failed(self) -> None:
        """The wait ended in an error. Raises DeadlineExceeded if that came of the time being over."""
        if self._expired and self._task is not None and self._task.uncancel() <= self._cancelling:
            raise exceeded() from None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _off(self) -> None:
        self._timer = None
        if self._task is None or not self._waiting:
            return
        if self._loop.time() < self._by:
            self._timer = self._loop.call_at(self._by, self._off)
            return
        self._expired = True
        self._cancelling = self._task.cancelling()
        self._task.cancel()


async def in_time(work: Coroutine[Any, Any, Result], by: float | None) -> Result:
    """What `work` gives, if it does `by` a time on the loop's clock. Raises DeadlineExceeded, with `work` cancelled."""
    if by is None:
        return await work
    watch = Watch(by, None)
    try:
        watch.begin()
        return await work
    except BaseException:
        work.close()
        watch.failed()
        raise
    finally:
        watch.close()


async def answer_in_time(work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` gives, if it does by when the call this task serves must be answered. Raises DeadlineExceeded."""
    return await in_time(work, answer_by())
