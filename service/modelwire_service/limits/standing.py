"""Where a caller stands, and what follows: whether a call is refused, with which words, and what headers tell.

Requests and tokens are buckets. Each holds a minute's worth at most, begins full and is refilled steadily, so that
in any stretch of T seconds no more than limit * (1 + T / 60) get through. A request is paid when it is admitted.
Tokens are paid when the call is over, for nobody knows before how many there will be: a call is admitted while one
token is left, the bucket may go below zero, and then calls wait until the debt is paid off.
"""

import math
from typing import Final, NamedTuple

from modelwire_service.access.caller import Limits
from modelwire_service.errors import LimitExceeded
from modelwire_service.limits.base import Headers

MINUTE: Final = 60.0
ENOUGH: Final = 1 - 1e-6
"""A bucket this full holds one: waiting exactly as long as was told must do, whatever is lost in rounding."""
RETRY_CONCURRENCY_SECONDS: Final = 1.0
"""When to try again where calls under way are too many: nobody knows when one ends."""
_REQUESTS: Final = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")
_TOKENS: Final = ("x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens")


class Standing(NamedTuple):
    """What is left in a caller's buckets, infinite where there is no limit, and the calls under way."""

    requests: float
    tokens: float
    running: int

    def admits(self, limits: Limits) -> bool:
        """Whether one more call fits."""
        return (
            self.requests >= ENOUGH
            and self.tokens >= ENOUGH
            and (limits.concurrency is None or self.running < limits.concurrency)
        )


def refilled(level: float, seconds: float, limit: int | None) -> float:
    """What a bucket of `limit` a minute holds some time after it held `level`."""
    if limit is None:
        return math.inf
    level += seconds * limit / MINUTE
    return level if level < limit else float(limit)


def refusal(limits: Limits, standing: Standing) -> LimitExceeded:
    """The error for a call that does not fit, of the limit that takes longest to wait for."""
    reasons = []
    for what, level, limit in _buckets(limits, standing):
        if level < ENOUGH:
            reasons.append((_until(1.0, level, limit), f"{what} a minute ({limit}) is used up"))
    if limits.concurrency is not None and standing.running >= limits.concurrency:
        reasons.append((RETRY_CONCURRENCY_SECONDS, f"calls at once ({limits.concurrency}) is reached"))
    seconds, reason = max(reasons)
    told = math.ceil(seconds * 1000) / 1000 if seconds < math.inf else None
    again = "" if told is None else f"; try again in {duration(told)}"
    message = f"the API key's limit of {reason}{again}"
    return LimitExceeded(message, retry_after=told, headers=headers(limits, standing))


def headers(limits: Limits, standing: Standing) -> Headers:
    """The headers of OpenAI's API: the limit, what remains of it, and how long until all of it is there again."""
    return _headers(limits, standing.requests, standing.tokens)


def headers_once_admitted(limits: Limits, found: Standing) -> Headers:
    """The headers of a call that was admitted, by how its caller stood before it."""
    return _headers(limits, found.requests - 1, found.tokens)


def duration(seconds: float) -> str:
    """A time as OpenAI writes it: `20ms`, `1.5s`, `6m0s`, `1h0m0s`; rounded up to milliseconds."""
    if seconds == math.inf:
        return "never"
    milliseconds = math.ceil(seconds * 1000 - 1e-6)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds > 0 else "0s"
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    rest = f"{milliseconds / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{rest}"
    return f"{minutes}m{rest}" if minutes else rest


def _headers(limits: Limits, requests: float, tokens: float) -> Headers:
    told: list[tuple[str, str]] = []
    if (limit := limits.requests_per_minute) is not None:
        told += _bucket_headers(_REQUESTS, requests, limit)
    if (limit := limits.tokens_per_minute) is not None:
        told += _bucket_headers(_TOKENS, tokens, limit)
    return told


def _bucket_headers(names: tuple[str, str, str], level: float, limit: int) -> Headers:
    remaining = int(level + 1 - ENOUGH) if level > 0 else 0
    return (names[0], str(limit)), (names[1], str(remaining)), (names[2], duration(_until(limit, level, limit)))


def _buckets(limits: Limits, standing: Standing) -> list[tuple[str, float, int]]:
    both = (
        ("requests", standing.requests, limits.requests_per_minute),
        ("tokens", standing.tokens, limits.tokens_per_minute),
    )
    return [(what, level, limit) for what, level, limit in both if limit is not None]


def _until(wanted: float, level: float, limit: int) -> float:
    """Seconds until a bucket holds what is wanted; one of none a minute never does."""
    if level >= wanted:
        return 0.0
    return (wanted - level) * MINUTE / limit if limit else math.inf
