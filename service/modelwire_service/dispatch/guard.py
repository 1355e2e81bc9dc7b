"""What stands between calls and one upstream: how many at once, whether at all, and how often again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.breaker import Breaker
from modelwire_service.dispatch.retry_budget import RetryBudget
from modelwire_service.errors import (
    KeysLimited,
    ServiceError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)


@dataclass(frozen=True, slots=True)
class Policy:
    """How one upstream is called. `attempts` are all of one call, the first included.

    `concurrent` calls at once, None for any number; `queued` more may wait.
    """

    attempts: int = 3
    concurrent: int | None = None
    queued: int = 100


PLAIN: Final = Policy()


class Guard:
    """The guard of one upstream, shared by all calls. `clock` gives seconds, `chance` numbers from 0 to below 1."""

    def __init__(
        self,
        policy: Policy = PLAIN,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.policy = policy
        self.chance = chance
        self.breaker = Breaker(clock, chance)
        self.budget = RetryBudget(clock)
        limit = policy.concurrent
        self.admission = None if limit is None else Admission(limit, policy.queued, "the upstream")

    async def enter(self) -> "Pass":
        """Waits for a place where calls are limited. Raises Overloaded."""
        if self.admission is None:
            return Pass(self, self.breaker.enter())
        self.breaker.check()  # before waiting for what would be refused then
        await self.admission.enter()
        try:
            return Pass(self, self.breaker.enter())
        except BaseException:
            self.admission.leave()
            raise


class Pass:
    """One attempt under way. `end` once it is over, whatever became of it."""

    __slots__ = ("_era", "_guard")

    def __init__(self, guard: Guard, era: int) -> None:
        self._guard = guard
        self._era = era

    def answered(self) -> None:
        """The upstream has begun to answer. What fails from here on is counted on its own."""
        self._guard.breaker.succeeded(self._era)

    def end(self, error: BaseException | None = None) -> None:
        """The attempt has ended, with `error` unless it succeeded.

        Errors of ours, refusals made here and leaving are no failures, and no successes either.
        """
        breaker = self._guard.breaker
        if error is not None:
            if is_failure(error):
                breaker.failed(self._era)
            elif isinstance(error, UpstreamRefused) and not isinstance(error, KeysLimited):
                breaker.succeeded(self._era)
            else:
                breaker.abandoned(self._era)
        if self._guard.admission is not None:
            self._guard.admission.leave()


def is_failure(error: BaseException) -> bool:
    """Whether an error says that the upstream does not work. One that refuses a request, or a caller, does work."""
    if isinstance(error, UpstreamRefused):
        return error.http_status >= 500 and error.http_status != 501
    return isinstance(error, UpstreamUnavailable | UpstreamTimeout | UpstreamProtocolError)


def may_be_tried_again(error: ServiceError) -> bool:
    """Whether the upstream cannot have worked on the request: it never got it, or said that it did not take it."""
    if isinstance(error, UpstreamRefused):
        return error.http_status in (429, 502, 503, 504)
    return isinstance(error, UpstreamUnavailable) and not error.sent
