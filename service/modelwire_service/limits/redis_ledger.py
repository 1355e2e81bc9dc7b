"""All that a process tells its Redis of limits, and what it hears.

One task does it over one connection: calls that ask to be admitted, what ended calls used, and that those under way
still are. Whatever comes up during one round trip goes out with the next, so a call waits for two at most, a thousand
calls at once need a few, and nothing overtakes what was told before it.

Calls under way are leases. They run out unless they are renewed, which is how those of a killed process end. A call
that gives up waiting to be admitted is told to have ended after it was asked for, whatever the answer is.

A Redis that is away is told nothing. It is tried with a call of nobody's, and once it takes that, and then has been
told which calls are under way, it counts again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from modelwire_service.access.caller import Caller, Limits
from modelwire_service.limits.redis_connection import RedisConnection, ScriptCall
from modelwire_service.limits.redis_debts import Debt, Debts
from modelwire_service.limits.redis_scripts import ADMIT, SETTLE
from modelwire_service.limits.standing import Standing

PROBE_SECONDS: Final = 0.5
MAX_ASKS: Final = 256
_NOBODY: Final = Caller(limits=Limits(requests_per_minute=1))
_log = logging.getLogger("modelwire.limits")


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a call fits, and how its caller stood before it."""

    fits: bool
    found: Standing


@dataclass(frozen=True, slots=True)
class _Ask:
    caller: Caller
    lease: str
    answer: "asyncio.Future[Answer | None]"


class Ledger:
    """Asks and tells the Redis at `url`, by leases that run out `lease_seconds` after they were last told of.

    Raises ValueError for a URL that is none.
    """

    def __init__(self, url: str, lease_seconds: float) -> None:
        self._connection = RedisConnection(url, (ADMIT, SETTLE))
        self._lease_seconds = lease_seconds
        self._asks: list[_Ask] = []
        self._debts = Debts(lease_seconds)
        self._under_way: dict[str, Caller] = {}
        self._told: set[str] = set()
        self._away = False
        self._closing = asyncio.Event()
        self._wake = asyncio.Event()
        self._renew_at = 0.0
        self._task: asyncio.Task[None] | None = None

    async def ask(self, caller: Caller, lease: str) -> Answer | None:
        """Whether a call is admitted, which then is under way; None, soon or at once, where Redis does not answer."""
        if self._away or self._closing.is_set():
            return None
        if self._task is None:
            self._task = asyncio.create_task(self._exchange_all())
        ask = _Ask(caller, lease, asyncio.get_running_loop().create_future())
        self._asks.append(ask)
        self._wake.set()
        if caller.limits.concurrency is not None:
            self._told.add(lease)
        try:
            answer = await ask.answer
        except asyncio.CancelledError:
            self.end(caller, lease, 0)
            raise
        if answer is not None and not answer.fits:
            self._told.discard(lease)
        return answer

    def begin(self, caller: Caller, lease: str) -> None:
        """The call is under way, by whoever's leave."""
        if caller.limits.concurrency is not None:
            self._under_way[lease] = caller

    def end(self, caller: Caller, lease: str, tokens: int) -> None:
        """The call is over, or never began. What is used while Redis is away it is not told."""
        self._under_way.pop(lease, None)
        owed = 0 if self._away or caller.limits.tokens_per_minute is None else tokens
        if owed:
            self._debts.use(caller, owed)
        if told := lease in self._told:
            self._told.remove(lease)
            self._debts.end(caller, lease, self._now())
        if told or owed:
            self._wake.set()

    async def close(self) -> None:
        """Tells what is untold, where Redis answers; takes a second at most."""
        self._closing.set()
        self._wake.set()
        if self._task is not None:
            await self._task
        with contextlib.suppress(Exception):
            await self._connection.close()

    async def _exchange_all(self) -> None:
        self._renew_at = self._now() + self._lease_seconds / 3
        while not self._closing.is_set():
            await self._rest()
            await (self._try_again() if self._away else self._exchange())
        while (self._asks or self._debts) and not self._away:
            await self._exchange()

    async def _rest(self) -> None:
        """Until there is something to tell; while Redis is away, until it is time to see whether it is back."""
        if self._away:
            await _set_within(PROBE_SECONDS, self._closing)
        elif not (self._asks or self._debts):
            self._wake.clear()
            await _set_within(self._renew_at - self._now(), self._wake)

    async def _exchange(self) -> bool:
        """One round trip, if there is anything to tell. Whether Redis answered."""
        if self._now() >= self._renew_at:
            self._owe_renewals()
        asks = [ask for ask in self._asks[:MAX_ASKS] if not ask.answer.cancelled()]
        del self._asks[:MAX_ASKS]
        debts = self._debts.take()
        # What ended goes first: it may be what the others wait for.
        calls = [*self._settlements(debts), *self._admissions(asks)]
        if not calls:
            return True
        try:
            answered = await self._connection.run(calls)
            answers = [_answer(*each) for each in answered[len(debts) :]]
        except Exception as error:
            self._lost(error, asks, debts)
            return False
        for ask, answer in zip(asks, answers, strict=True):
            _tell(ask, answer)
        return True

    async def _try_again(self) -> None:
        """A Redis that answers, and takes nothing or not all that it must be told, is no use."""
        try:
            await self._connection.run([_probe()])
        except Exception:
            return
        self._owe_renewals()
        while self._debts:
            if not await self._exchange():
                return
        _log.warning("limits are counted in Redis again", extra={"fields": {"redis": self._connection.address}})
        self._away = False

    def _owe_renewals(self) -> None:
        for lease, caller in self._under_way.items():
            self._debts.go_on(caller, lease)
            self._told.add(lease)
        self._renew_at = self._now() + self._lease_seconds / 3

    def _admissions(self, asks: Sequence[_Ask]) -> Iterator[ScriptCall]:
        for ask in asks:
            concurrency = ask.caller.limits.concurrency
            told = ("" if concurrency is None else concurrency, ask.lease, self._lease_seconds)
            yield ScriptCall(ADMIT, *_addressed(ask.caller, *told))

    def _settlements(self, debts: Sequence[Debt]) -> Iterator[ScriptCall]:
        for debt in debts:
            numbers = (self._lease_seconds, debt.tokens, len(debt.ended))
            yield ScriptCall(SETTLE, *_addressed(debt.caller, *numbers, *debt.ended, *debt.going_on))

    def _lost(self, error: Exception, asks: Sequence[_Ask], debts: Sequence[Debt]) -> None:
        """Redis did not answer: nobody waits for it, and leases that ended are kept for when it does."""
        if not self._away:
            fields = {"redis": self._connection.address, "error": _cause(error)}
            _log.warning("limits are counted in memory", extra={"fields": fields})
        self._away = True
        self._debts.put_back(debts, self._now())
        for ask in [*asks, *self._asks]:
            _tell(ask, None)
        self._asks.clear()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _probe() -> ScriptCall:
    """A call of nobody's, which writes: a Redis may answer what only reads, and take nothing."""
    return ScriptCall(ADMIT, *_addressed(_NOBODY, "", "", 0))


def _addressed(caller: Caller, *arguments: str | float) -> tuple[Sequence[str], Sequence[str | float]]:
    """The keys and arguments of a script for a caller; the braces keep both keys on one node of a cluster."""
    limits = caller.limits
    minute = ("" if limit is None else limit for limit in (limits.requests_per_minute, limits.tokens_per_minute))
    return [f"modelwire:limits:{{{caller.id}}}", f"modelwire:calls:{{{caller.id}}}"], [*minute, *arguments]


def _answer(fits: int, requests: bytes, tokens: bytes, running: int) -> Answer:
    return Answer(bool(fits), Standing(float(requests), float(tokens), running))


def _tell(ask: _Ask, answer: Answer | None) -> None:
    if not ask.answer.done():
        ask.answer.set_result(answer)


def _cause(error: BaseException) -> str:
    """The kind of error; texts of errors may tell more than logs should."""
    told, earlier = error, error.__cause__ or error.__context__
    while earlier is not None and not isinstance(told, OSError):
        told, earlier = earlier, earlier.__cause__ or earlier.__context__
    return type(told if isinstance(told, OSError) else error).__name__


async def _set_within(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
