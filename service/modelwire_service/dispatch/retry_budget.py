"""How much may be tried again at one upstream, so that an outage is not multiplied by those who wait for its end.

Every call pays in a fifth of an attempt, and time pays in a little, for upstreams with few calls. What is saved up is
bounded. So under load attempts are at most six fifths of the calls, however many fail.
"""

from collections.abc import Callable
from typing import Final

A_CALL: Final = 0.2
A_SECOND: Final = 0.5
MOST: Final = 20.0


class RetryBudget:
    """Counted in attempts. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._saved = MOST
        self._paid_at = clock()

    def pay_in(self) -> None:
        """For a call. What it adds above the most that is saved is lost."""
        self._saved = min(MOST, self._saved + A_CALL)

    def take(self) -> bool:
        """Takes one attempt if there is one."""
        now = self._clock()
        self._saved = min(MOST, self._saved + A_SECOND * (now - self._paid_at))
        self._paid_at = now
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
