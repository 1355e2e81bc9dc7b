"""How long to wait before the next attempt at one upstream.

Exponential, with full jitter: a random part of a time that doubles. Calls that failed together do not come back
together. A wait that the upstream told is kept, with a little on top for the same reason.
"""

from collections.abc import Callable
from typing import Final

BASE_SECONDS: Final = 0.25
CAP_SECONDS: Final = 8.0
LONGEST_TOLD_SECONDS: Final = 10.0
_ON_TOP: Final = 0.1  # of a wait that was told


def back_off(attempt: int, told: float | None, chance: Callable[[], float]) -> float | None:
    """Seconds to wait after the failure of an `attempt`, counted from 1; None if it is too long to wait here.

    `told` is the upstream's Retry-After. `chance` gives numbers from 0 up to but not 1.
    """
    if told is not None and told > LONGEST_TOLD_SECONDS:
        return None
    jittered: float = chance() * min(CAP_SECONDS, BASE_SECONDS * 2 ** (attempt - 1))
    return jittered if told is None else max(jittered, told * (1 + _ON_TOP * chance()))
