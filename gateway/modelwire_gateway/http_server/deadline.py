"""A deadline that is moved often and missed rarely."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable


class Deadline:
    """Calls `missed` once `seconds` have passed since the last `restart`, unless `lift` came after it.

    Neither touches the event loop's timer while one runs: it looks at the deadline when it fires, and
    waits on if that has moved. So at most one timer is made per `seconds`, however busy the connection.
    """

    __slots__ = ("_at", "_loop", "_missed", "_seconds", "_timer")

    def __init__(self, loop: AbstractEventLoop, seconds: float, missed: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._missed = missed
        self._at: float | None = None
        self._timer: TimerHandle | None = None

    @property
    def pending(self) -> bool:
        return self._at is not None

    def restart(self) -> None:
        self._at = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._at, self._fire)

    def lift(self) -> None:
        self._at = None

    def close(self) -> None:
        """Lifts the deadline and lets go of the timer."""
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        if self._at is None:
            return
        if self._loop.time() < self._at:
            self._timer = self._loop.call_at(self._at, self._fire)
        else:
            self._at = None
            self._missed()
