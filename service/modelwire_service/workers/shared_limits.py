"""Limits counted by the supervisor for all its workers, as exactly as those of one process.

A worker asks for each call of a caller with limits, and tells when it is over. The calls of a worker that is gone are
over, with no tokens used: nobody knows how many there were.
"""

import asyncio
import math
from itertools import count
from typing import Any

from modelwire_service.access.caller import Caller, Limits
from modelwire_service.limits.base import NO_LIMITS, Headers, Lease
from modelwire_service.limits.memory import MemoryLease, MemoryLimiter
from modelwire_service.limits.standing import Standing, headers_once_admitted, refusal
from modelwire_service.workers.channel import Channel, Handlers


class WorkersCalls:
    """The calls of one worker under way, as its supervisor counts them in `limiter`."""

    def __init__(self, limiter: MemoryLimiter) -> None:
        self._limiter = limiter
        self._leases: dict[int, MemoryLease] = {}

    @property
    def handlers(self) -> Handlers:
        """What is done about what the worker says."""
        return {"admit": self._admit, "end": self._end, "undo": self._undo}

    def give_back(self) -> None:
        """The worker is gone."""
        while self._leases:
            self._end(next(iter(self._leases)), 0)

    def _admit(self, name: int, caller_id: str, limits: list[int | None]) -> list[Any]:
        """Whether the call is admitted, and how its caller stood."""
        lease, found = self._limiter.asked(Caller(id=caller_id, limits=Limits(*limits)))
        if lease is not None:
            self._leases[name] = lease
        return [lease is not None, *found]

    def _end(self, name: int, tokens: int) -> None:
        if (lease := self._leases.pop(name, None)) is not None:
            lease.end(tokens)

    def _undo(self, name: int) -> None:
        if (lease := self._leases.pop(name, None)) is not None:
            lease.undo()


class SupervisedLimiter:
    """The limiter of a worker: its supervisor counts, at the other end of `channel`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._names = count()

    async def admit(self, caller: Caller) -> Lease:
        if not (limits := caller.limits):
            return NO_LIMITS
        name = next(self._names)
        asked = (limits.requests_per_minute, limits.tokens_per_minute, limits.concurrency)
        try:
            admitted, *told = await self._channel.ask("admit", name, caller.id, asked)
        except asyncio.CancelledError:
            self._channel.tell("undo", name)
            raise
        found = _standing(*told)
        if not admitted:
            raise refusal(limits, found)
        return _SupervisedLease(self._channel, name, limits, found)

    async def close(self) -> None:
        """All is told already."""


def _standing(requests: float | None, tokens: float | None, running: int) -> Standing:
    """JSON has no infinity: null is in its place."""
    return Standing(math.inf if requests is None else requests, math.inf if tokens is None else tokens, running)


class _SupervisedLease:
    """A call under way. `found` is how its caller stood before it."""

    __slots__ = ("_channel", "_found", "_limits", "_name", "_over")

    def __init__(self, channel: Channel, name: int, limits: Limits, found: Standing) -> None:
        self._channel = channel
        self._name = name
        self._limits = limits
        self._found = found
        self._over = False

    @property
    def headers(self) -> Headers:
        return headers_once_admitted(self._limits, self._found)

    def end(self, tokens: int) -> None:
        if not self._over:
            self._over = True
            self._channel.tell("end", self._name, tokens)
