"""How long a call may take, and what keeps it to that.

A call has an end, which a stream has to keep too, and a time by which its answer, or the first of its stream, must be
there. OpenAI's clients tell how long they wait for anything to arrive: Python's in `x-stainless-read-timeout`, and
JavaScript's in `x-stainless-timeout`, in whole seconds rounded down. Either bounds the answer and each gap in a stream,
and never the whole stream.
"""

import math
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from modelwire_service.call_record import current
from modelwire_service.errors import DeadlineExceeded

READ_TIMEOUT: Final = "x-stainless-read-timeout"
TIMEOUT: Final = "x-stainless-timeout"
_WAITS: Final = {READ_TIMEOUT: 0.0, TIMEOUT: 1.0}
"""The headers, and the seconds at most that were rounded off."""


class TimeLimits(NamedTuple):
    """Times on the running loop's clock. `ends_at` is the end of the call, `answer_by` that of the wait for its answer
    or the first of its stream; `gap` is how many seconds a stream may be silent. None is no limit.
    """

    ends_at: float | None = None
    answer_by: float | None = None
    gap: float | None = None


class Deadlines:
    """`default` seconds for the answer where a caller gives no time; `longest` for any call, streams included."""

    def __init__(self, default: float, longest: float) -> None:
        self._default = default
        self._longest = longest

    def of(self, metadata: Sequence[tuple[str, Any]] | None, time_remaining: float | None, now: float) -> TimeLimits:
        """The limits of a call that begins `now`, with what is left of its gRPC deadline, None if it has none."""
        given = self._longest if time_remaining is None else min(time_remaining, self._longest)
        patience = _patience(metadata)
        usual = self._default if time_remaining is None else given
        wait = usual if patience is None else patience
        return TimeLimits(now + given, now + min(wait, given), patience)


def _patience(metadata: Sequence[tuple[str, Any]] | None) -> float | None:
    """The shortest wait told, in seconds. What is no time is passed over: the headers describe, they do not ask."""
    shortest = None
    for key, value in metadata or ():
        if key in _WAITS and (seconds := _seconds(value)) is not None:
            wait = seconds + _WAITS[key]
            if wait > 0 and (shortest is None or wait < shortest):
                shortest = wait
    return shortest


def _seconds(text: Any) -> float | None:
    try:
        seconds = float(text)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


_NONE: Final = TimeLimits()
_limits: ContextVar[TimeLimits] = ContextVar("time_limits")


def limit(limits: TimeLimits) -> None:
    """Gives the running task's call its limits; its record has its end from here on."""
    _limits.set(limits)
    current().ends_at = limits.ends_at


def longest_gap() -> float | None:
    """How many seconds the stream of the call this task serves may be silent."""
    return _limits.get(_NONE).gap


def answer_by() -> float | None:
    """When the answer of the call this task serves must be there, on the loop's clock; None if it may take any time."""
    by = _limits.get(_NONE).answer_by
    return current().ends_at if by is None else by


def exceeded() -> DeadlineExceeded:
    """The error of a call whose time is over: there is none left to try anything again."""
    error = DeadlineExceeded("the call was not answered in its time")
    error.retries_spent = True
    return error
