"""Limits counted in this process."""

import math
import time
from collections.abc import Callable

from modelwire_service.access.caller import Caller, Limits
from modelwire_service.limits.base import NO_LIMITS, Headers, Lease
from modelwire_service.limits.standing import Standing, headers_once_admitted, refilled, refusal


class MemoryLimiter:
    """Counts for this process alone. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._accounts: dict[str, _Account] = {}

    async def admit(self, caller: Caller) -> Lease:
        return self.admit_at_once(caller) if caller.limits else NO_LIMITS

    async def close(self) -> None:
        """Nobody else counts along."""

    def admit_at_once(self, caller: Caller) -> "MemoryLease":
        """`admit` for a caller with limits."""
        lease, found = self.asked(caller)
        if lease is None:
            raise refusal(caller.limits, found)
        return lease

    def asked(self, caller: Caller) -> "tuple[MemoryLease | None, Standing]":
        """How a caller with limits stood; the lease of its call, None where that does not fit."""
        if (account := self._accounts.get(caller.id)) is None:
            account = self._accounts[caller.id] = _Account(self._clock)
        limits = caller.limits
        found = account.standing(limits)
        return account.take(limits, found) if found.admits(limits) else None, found


class _Account:
    """What one caller used. The buckets begin full: with as much as any limit allows."""

    __slots__ = ("_at", "_clock", "_requests", "_running", "_tokens")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = clock()
        self._requests = math.inf
        self._tokens = math.inf
        self._running = 0

    def standing(self, limits: Limits) -> Standing:
        self._refill(limits)
        return Standing(self._requests, self._tokens, self._running)

    def take(self, limits: Limits, standing: Standing) -> "MemoryLease":
        self._requests -= 1
        self._running += 1
        return MemoryLease(self, limits, standing)

    def pay(self, limits: Limits, tokens: int) -> None:
        self._refill(limits)
        self._tokens -= tokens
        self._running -= 1

    def give_back(self) -> None:
        self._requests += 1
        self._running -= 1

    def _refill(self, limits: Limits) -> None:
        now = self._clock()
        seconds, self._at = now - self._at, now
        self._requests = refilled(self._requests, seconds, limits.requests_per_minute)
        self._tokens = refilled(self._tokens, seconds, limits.tokens_per_minute)


class MemoryLease:
    """A call under way, counted in this process. `found` is how its caller stood before it."""

    __slots__ = ("_account", "_found", "_limits", "_over")

    def __init__(self, account: _Account, limits: Limits, found: Standing) -> None:
        self._account = account
        self._limits = limits
        self._found = found
        self._over = False

    @property
    def headers(self) -> Headers:
        return headers_once_admitted(self._limits, self._found)

    def end(self, tokens: int) -> None:
        if not self._over:
            self._over = True
            self._account.pay(self._limits, tokens)

    def undo(self) -> None:
        """The call was not to be after all, and counts for nothing."""
        if not self._over:
            self._over = True
            self._account.give_back()
