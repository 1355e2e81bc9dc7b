"""Limits counted in a Redis, together with other processes.

This process counts its own calls in memory as well, and asks Redis only for those that fit there: what one process
lets through is part of what all do. Where Redis does not answer within a quarter of a second these counts alone
decide, until it answers again. Then it is told which calls are under way; tokens used meanwhile hold against the
caller in this process only.
"""

import asyncio
import secrets
from itertools import count
from typing import Final

from modelwire_service.access.caller import Caller
from modelwire_service.limits.base import NO_LIMITS, Headers, Lease
from modelwire_service.limits.memory import MemoryLease, MemoryLimiter
from modelwire_service.limits.redis_ledger import Ledger
from modelwire_service.limits.standing import Standing, headers_once_admitted, refusal

LEASE_SECONDS: Final = 15.0


class RedisLimiter:
    """Counts in the Redis at `url`, and in memory while that is away, which is logged once.

    Leases run out `lease_seconds` after their process was last heard of. Raises ValueError for a URL that is none.
    """

    def __init__(self, url: str, lease_seconds: float = LEASE_SECONDS) -> None:
        self._ledger = Ledger(url, lease_seconds)
        self._own = MemoryLimiter()
        process = secrets.token_hex(8)
        self._names = (f"{process}-{number}" for number in count())

    async def admit(self, caller: Caller) -> Lease:
        if not caller.limits:
            return NO_LIMITS
        own, name = self._own.admit_at_once(caller), next(self._names)
        try:
            answer = await self._ledger.ask(caller, name)
        except asyncio.CancelledError:
            own.undo()
            raise
        if answer is not None and not answer.fits:
            own.undo()
            raise refusal(caller.limits, answer.found)
        self._ledger.begin(caller, name)
        return _RedisLease(self._ledger, caller, name, own, answer.found if answer else None)

    async def close(self) -> None:
        """Tells Redis what is still untold, if it answers; takes a second at most. Memory counts from then on."""
        await self._ledger.close()


class _RedisLease:
    """A call under way. `found` is how its caller stood before it in Redis, None where only memory counts it."""

    __slots__ = ("_caller", "_found", "_ledger", "_name", "_over", "_own")

    def __init__(self, ledger: Ledger, caller: Caller, name: str, own: MemoryLease, found: Standing | None) -> None:
        self._ledger = ledger
        self._caller = caller
        self._name = name
        self._own = own
        self._found = found
        self._over = False

    @property
    def headers(self) -> Headers:
        if (found := self._found) is None:
            return self._own.headers
        return headers_once_admitted(self._caller.limits, found)

    def end(self, tokens: int) -> None:
        if not self._over:
            self._over = True
            self._own.end(tokens)
            self._ledger.end(self._caller, self._name, tokens)
