"""What Redis is still to be told: tokens that ended calls used, leases that ended, leases that go on.

It is taken in parts that Redis carries out in a few milliseconds, however much there is. What could not be told is put
back, but for leases that ended so long ago that they have run out by themselves: nothing piles up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Final

from modelwire_service.access.caller import Caller

MAX_CALLERS: Final = 256
MAX_LEASES: Final = 2_048


@dataclass(slots=True)
class Debt:
    """What concerns one caller. `ended` has the leases in the order of their ends, and when that was."""

    caller: Caller
    tokens: int = 0
    ended: dict[str, float] = field(default_factory=dict)
    going_on: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.tokens or self.ended or self.going_on)

    @property
    def leases(self) -> int:
        """How many it names."""
        return len(self.ended) + len(self.going_on)

    def part(self, most: int) -> "Debt":
        """Takes the tokens out of it, and `most` leases at most, first of those that ended."""
        ended = dict(islice(self.ended.items(), most))
        going_on = set(islice(self.going_on, most - len(ended)))
        part = Debt(self.caller, self.tokens, ended, going_on)
        self.tokens = 0
        for lease in ended:
            del self.ended[lease]
        self.going_on -= going_on
        return part

    def forget(self, before: float) -> None:
        """Leaves out the leases that ended before then."""
        for lease, _ in list(takewhile(lambda each: each[1] < before, self.ended.items())):
            del self.ended[lease]


class Debts:
    """Those of all callers, by leases that run out after `lease_seconds`. Times are on one clock, in seconds."""

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._debts: dict[str, Debt] = {}

    def __bool__(self) -> bool:
        return bool(self._debts)

    def use(self, caller: Caller, tokens: int) -> None:
        """The caller used tokens."""
        self._debt(caller).tokens += tokens

    def end(self, caller: Caller, lease: str, now: float) -> None:
        """The lease ended."""
        debt = self._debt(caller)
        debt.ended[lease] = now
        debt.going_on.discard(lease)

    def go_on(self, caller: Caller, lease: str) -> None:
        """The lease goes on."""
        self._debt(caller).going_on.add(lease)

    def take(self) -> list[Debt]:
        """The next part, of MAX_CALLERS and MAX_LEASES at most."""
        parts, room = [], MAX_LEASES
        for id_ in list(islice(self._debts, MAX_CALLERS)):
            debt = self._debts[id_]
            if part := debt.part(room):
                parts.append(part)
                room -= part.leases
            if not debt:
                del self._debts[id_]
        return parts

    def put_back(self, parts: Sequence[Debt], now: float) -> None:
        """Of what could not be told, the leases that ended are kept until they have run out."""
        for part in parts:
            if part.ended:
                debt = self._debt(part.caller)
                debt.ended = part.ended | debt.ended
                debt.forget(now - self._lease_seconds)

    def _debt(self, caller: Caller) -> Debt:
        if (debt := self._debts.get(caller.id)) is None:
            debt = self._debts[caller.id] = Debt(caller)
        return debt
