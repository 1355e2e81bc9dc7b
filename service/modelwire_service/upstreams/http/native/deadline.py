"""A deadline that is moved often and missed rarely."""

import math
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable


class Deadline:
    """Calls `missed` when the seconds of the last `restart` have passed, unless `lift` came after it.

    A timer that runs is left alone unless it would fire too late: it looks at the deadline when it fires, and waits on
    if that has moved. So a busy connection makes a timer every few seconds, however many calls it carries.
    """

    __slots__ = ("_at", "_fires", "_loop", "_missed", "_timer")

    def __init__(self, loop: AbstractEventLoop, missed: Callable[[], None]) -> None:
        self._loop = loop
        self._missed = missed
        self._at = math.inf
        self._fires = math.inf
        self._timer: TimerHandle | None = None

    def restart(self, seconds: float) -> None:
        self._at = self._loop.time() + seconds
        if self._at < self._fires:
            if self._timer is not None:
                self._timer.cancel()
            self._wait()

    def lift(self) -> None:
        self._at = math.inf

    def close(self) -> None:
        """Lifts the deadline for good, and lets go of the timer and of whom it would have told."""
        self._missed = _nobody
        self._at = self._fires = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._fires = self._at
        self._timer = self._loop.call_at(self._at, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._fires = math.inf
        if self._at == math.inf:
            return
        if self._loop.time() < self._at:
            self._wait()
        else:
            self._at = math.inf
            self._missed()


def _nobody() -> None:
    pass
