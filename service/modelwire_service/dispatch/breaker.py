"""Whether an upstream is asked at all: a circuit breaker.

Theory of operation. Closed, all calls pass, and their ends are counted: failures in a row, and the share of failures in
a window. The window is two halves, the running one and the one before it, so that old ends go out in O(1). Too many
either way, and the breaker opens: calls are refused at once for a while. Then it is half open: one call passes as a
probe, and the others are refused until it has ended. A probe that succeeds closes the breaker; one that fails opens it
for twice as long, up to a bound; one that was cancelled proves nothing, and the next call is the probe. So it is where
a probe takes long: models may take minutes to answer, which is no reason to refuse all other calls meanwhile. The times
are drawn at random from the upper half of what they may be: many servers in front of one upstream do not probe it
together.

Every change of state begins a new era, and each call keeps the era it passed in. What comes back from an earlier one is
not counted: calls that were under way when the breaker opened say nothing of the upstream afterwards.
"""

from collections.abc import Callable
from typing import Final

from modelwire_service.errors import Overloaded

FAILURES_IN_A_ROW: Final = 5
WINDOW_SECONDS: Final = 30.0
FEWEST_CALLS: Final = 20  # in the window, before their share of failures says anything
SHARE_OF_FAILURES: Final = 0.5
FIRST_OPEN_SECONDS: Final = 2.0
LONGEST_OPEN_SECONDS: Final = 60.0
PROBE_SECONDS: Final = 10.0  # for which a probe is waited for, before another call is one too
PROBE_RETRY_AFTER_SECONDS: Final = 1.0


class Breaker:
    """Closed to begin with. `clock` gives seconds, `chance` numbers from 0 up to but not 1."""

    def __init__(self, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._era = 0
        self._open_until: float | None = None
        self._probing_until = 0.0
        self._opened = 0  # times in a row
        self._in_a_row = 0
        self._begin_window(clock())

    @property
    def state(self) -> str:
        """`closed`, `open` or `half-open`."""
        if self._open_until is None:
            return "closed"
        return "open" if self._clock() < self._open_until else "half-open"

    def check(self) -> None:
        """Raises Overloaded if a call would not pass; `retry_after` says when one may."""
        if self._open_until is None:
            return
        now = self._clock()
        if (left := self._open_until - now) > 0:
            raise Overloaded("the upstream is not asked for a while, after failures", retry_after=left)
        if now < self._probing_until:
            told = "the upstream is not asked until one call has shown that it works again"
            raise Overloaded(told, retry_after=PROBE_RETRY_AFTER_SECONDS)

    def enter(self) -> int:
        """Lets a call pass, or raises Overloaded. Every era it gives is to be ended once, by one of the three below."""
        if self._open_until is not None:
            self.check()
            self._probing_until = self._clock() + PROBE_SECONDS
        return self._era

    def succeeded(self, era: int) -> None:
        """The upstream answered."""
        if era != self._era:
            return
        if self._open_until is None:
            self._in_a_row = 0
            self._count(failed=False)
        else:
            self._close()

    def failed(self, era: int) -> None:
        """The upstream did not answer, or with a failure of its own."""
        if era != self._era:
            return
        if self._open_until is None:
            self._in_a_row += 1
            self._count(failed=True)
            if self._in_a_row < FAILURES_IN_A_ROW and not self._mostly_failures():
                return
        self._open()

    def abandoned(self, era: int) -> None:
        """Nobody knows: the call was given up."""
        if era == self._era:
            self._probing_until = 0.0

    def _open(self) -> None:
        longest = min(LONGEST_OPEN_SECONDS, FIRST_OPEN_SECONDS * 2**self._opened)
        self._open_until = self._clock() + longest * (0.5 + 0.5 * self._chance())
        self._opened = min(self._opened + 1, 16)
        self._change()

    def _close(self) -> None:
        self._open_until = None
        self._opened = self._in_a_row = 0
        self._begin_window(self._clock())
        self._change()

    def _change(self) -> None:
        self._era += 1
        self._probing_until = 0.0

    def _begin_window(self, now: float) -> None:
        self._half_until = now + WINDOW_SECONDS / 2
        self._calls = self._failures = self._calls_before = self._failures_before = 0

    def _count(self, *, failed: bool) -> None:
        now = self._clock()
        if now >= self._half_until + WINDOW_SECONDS / 2:
            self._begin_window(now)
        elif now >= self._half_until:
            self._half_until += WINDOW_SECONDS / 2
            self._calls_before, self._failures_before = self._calls, self._failures
            self._calls = self._failures = 0
        self._calls += 1
        self._failures += failed

    def _mostly_failures(self) -> bool:
        calls, failures = self._calls + self._calls_before, self._failures + self._failures_before
        return calls >= FEWEST_CALLS and failures >= SHARE_OF_FAILURES * calls
