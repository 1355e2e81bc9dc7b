"""The port of limiters: a call is admitted, and its lease ends with what it used."""

from collections.abc import Sequence
from typing import Final, Protocol

from modelwire_service.access.caller import Caller

Headers = Sequence[tuple[str, str]]


class Lease(Protocol):
    """That a call was admitted. It counts as under way until it ends."""

    @property
    def headers(self) -> Headers:
        """What OpenAI's API tells of limits (`x-ratelimit-remaining-requests` …); empty for a caller without."""
        ...

    def end(self, tokens: int) -> None:
        """The call is over and used that many tokens. Never waits; only the first time counts."""
        ...


class Limiter(Protocol):
    async def admit(self, caller: Caller) -> Lease:
        """Counts a call. Raises LimitExceeded where a limit of the caller is used up; that call counts for nothing."""
        ...

    async def close(self) -> None:
        """Tells elsewhere, where others count along, what is still untold."""
        ...


class _NoLimits:
    headers: Headers = ()

    def end(self, tokens: int) -> None:
        pass


NO_LIMITS: Final[Lease] = _NoLimits()
"""The lease of all callers without limits."""
