"""What every call passes before it is looked at, and what is kept of it once it has ended.

In this order: the server must still take calls, the caller must be known, the caller's own limits must admit one more,
and the server's must. So who has no key never keeps out who has one, and a caller's flood fills no queue.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from modelwire_service.access.gate import Gate
from modelwire_service.call_record import CallRecord
from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.deadlines import Deadlines, limit
from modelwire_service.errors import Overloaded
from modelwire_service.limits.base import Lease, Limiter
from modelwire_service.usage.rows import UsageRow, row_of

_RETRY_ELSEWHERE: Final = 1.0  # seconds; by then whoever balances load has heard of it

Metadata = Sequence[tuple[str, Any]]


class Visitor(Protocol):
    """A call that can be told to end. It needs one `leave` for its `enter`, however that ended."""

    def break_off(self) -> None: ...


def shutting_down() -> Overloaded:
    return Overloaded("the server is shutting down", retry_after=_RETRY_ELSEWHERE)


class Entrance:
    """The one entrance of all doors. `keep` takes a row of usage for each call; where None, nothing is kept."""

    def __init__(
        self,
        gate: Gate,
        limiter: Limiter,
        admission: Admission,
        deadlines: Deadlines,
        keep: Callable[[UsageRow], None] | None = None,
    ) -> None:
        self._gate = gate
        self._limiter = limiter
        self._admission = admission
        self._deadlines = deadlines
        self._keep = keep
        self._closed = False
        self._inside: set[Visitor] = set()

    def close(self) -> None:
        """Lets nobody in from here on; the calls inside go on."""
        self._closed = True

    def break_off(self) -> None:
        """Ends all calls inside, those that wait for their turn too, each with an error that says why."""
        for visitor in tuple(self._inside):
            visitor.break_off()

    @property
    def asks(self) -> bool:
        """Whether callers are asked for a credential."""
        return self._gate.asks

    @property
    def running(self) -> int:
        """How many calls are inside."""
        return self._admission.running

    async def enter(
        self, visitor: "Visitor", record: CallRecord, metadata: Metadata, time_remaining: float | None
    ) -> Lease:
        """Lets the call of `record` in, when its turn comes; `time_remaining` is what its gRPC deadline leaves it.

        Raises Overloaded, Unauthenticated, InvalidRequest, LimitExceeded and DeadlineExceeded.
        """
        if self._closed:
            raise shutting_down()
        self._inside.add(visitor)
        record.caller = caller = self._gate.caller(metadata)
        limits = self._deadlines.of(metadata, time_remaining, asyncio.get_running_loop().time())
        limit(limits)
        lease = await self._limiter.admit(caller)
        try:
            await self._admission.enter(limits.answer_by)
        except BaseException:
            lease.end(0)
            raise
        return lease

    def leave(self, visitor: "Visitor", record: CallRecord, lease: Lease | None, outcome: str) -> None:
        """Ends a call with the name of its gRPC status.

        `lease` is None if it was not let in; of such calls nothing is kept, or anybody could fill the database.
        """
        self._inside.discard(visitor)
        if lease is not None:
            self._admission.leave()
            lease.end(record.tokens)
            if self._keep is not None:
                self._keep(row_of(record, outcome))
