"""Who is let in, in which order it is asked, and what is left behind by a call however it ends."""

import asyncio
from typing import Any

import pytest
from modelwire_service.access.caller import Caller, Limits
from modelwire_service.access.gate import OpenGate
from modelwire_service.call_record import CallRecord, begin
from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.deadlines import Deadlines
from modelwire_service.entrance import Entrance
from modelwire_service.errors import DeadlineExceeded, LimitExceeded, Overloaded, ServiceError, Unauthenticated
from modelwire_service.limits.memory import MemoryLimiter
from modelwire_service.usage.rows import UsageRow

ALICE = Caller(id="k1", name="alice", limits=Limits(concurrency=1))
DEADLINES = Deadlines(600, 3_600)


class Visitor:
    """A call that remembers what it was told."""

    def __init__(self) -> None:
        self.told = 0

    def break_off(self) -> None:
        self.told += 1


NOBODY = Visitor()


class Known:
    """Lets in who says a name."""

    asks = True

    def caller(self, metadata: Any) -> Caller:
        if not metadata:
            raise Unauthenticated("no API key")
        return ALICE


def record() -> CallRecord:
    """The record of a call that this task begins."""
    begin(made := CallRecord("id", "/a.S/M"))
    return made


def entrance(places: int = 5, queue: int = 0, rows: list[UsageRow] | None = None, gate: Any = None) -> Entrance:
    keep = None if rows is None else rows.append
    return Entrance(gate or Known(), MemoryLimiter(), Admission(places, queue, "the server"), DEADLINES, keep)


async def test_a_call_is_let_in_and_leaves_its_row() -> None:
    rows: list[UsageRow] = []
    doors, call = entrance(rows=rows), record()
    lease = await doors.enter(NOBODY, call, (("authorization", "Bearer x"),), None)
    assert (call.caller, doors.running) == (ALICE, 1)
    call.input_tokens, call.output_tokens = 3, 4
    doors.leave(NOBODY, call, lease, "OK")
    assert doors.running == 0
    assert [(row.key_id, row.key_name, row.input_tokens, row.outcome) for row in rows] == [("k1", "alice", 3, "OK")]


async def test_who_is_not_known_takes_no_place_and_leaves_no_row() -> None:
    rows: list[UsageRow] = []
    doors, call = entrance(places=1, rows=rows), record()
    with pytest.raises(Unauthenticated):
        await doors.enter(NOBODY, call, (), None)
    doors.leave(NOBODY, call, None, "UNAUTHENTICATED")
    assert (rows, doors.running) == ([], 0)


async def test_a_callers_own_limit_is_asked_before_the_servers() -> None:
    doors, first = entrance(places=1), record()
    lease = await doors.enter(NOBODY, first, (("k", "v"),), None)
    with pytest.raises(LimitExceeded):
        await doors.enter(NOBODY, record(), (("k", "v"),), None)
    doors.leave(NOBODY, first, lease, "OK")
    assert await doors.enter(NOBODY, record(), (("k", "v"),), None)


@pytest.mark.parametrize(("queue", "error"), [(0, Overloaded), (1, DeadlineExceeded)])
async def test_a_refusal_of_the_server_gives_the_callers_place_back(queue: int, error: type[ServiceError]) -> None:
    limiter, admission = MemoryLimiter(), Admission(1, queue, "the server")
    anyone = Entrance(OpenGate(), limiter, admission, DEADLINES)
    alices = Entrance(Known(), limiter, admission, DEADLINES)
    lease = await anyone.enter(NOBODY, running := record(), (), None)
    with pytest.raises(error):
        await alices.enter(NOBODY, record(), (("k", "v"),), 0.01)
    anyone.leave(NOBODY, running, lease, "OK")
    assert await alices.enter(NOBODY, record(), (("k", "v"),), None)


async def test_a_caller_who_leaves_the_queue_leaves_nothing() -> None:
    doors, running = entrance(places=1, queue=1, gate=OpenGate()), record()
    lease = await doors.enter(NOBODY, running, (), None)
    waiting = asyncio.create_task(doors.enter(NOBODY, record(), (), None))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    doors.leave(NOBODY, running, lease, "OK")
    assert doors.running == 0


async def test_who_waits_for_a_turn_is_broken_off_too() -> None:
    doors, waits = entrance(places=1, queue=1, gate=OpenGate()), Visitor()
    running = record()
    lease = await doors.enter(NOBODY, running, (), None)
    waiting = asyncio.create_task(doors.enter(waits, record(), (), None))
    await asyncio.sleep(0)
    doors.break_off()
    assert waits.told == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    doors.leave(NOBODY, running, lease, "OK")


async def test_a_closed_entrance_lets_nobody_in_and_those_inside_go_on() -> None:
    doors, inside = entrance(gate=OpenGate()), record()
    lease = await doors.enter(NOBODY, inside, (), None)
    doors.close()
    with pytest.raises(Overloaded) as caught:
        await doors.enter(NOBODY, record(), (), None)
    assert caught.value.retry_after
    assert doors.running == 1
    doors.leave(NOBODY, inside, lease, "OK")


async def test_the_end_of_a_call_is_that_of_its_deadline_within_the_longest() -> None:
    doors, now = entrance(gate=OpenGate()), asyncio.get_running_loop().time()
    for remaining, seconds in ((5.0, 5.0), (None, 3_600.0), (9e9, 3_600.0)):
        await doors.enter(NOBODY, call := record(), (), remaining)
        assert call.ends_at == pytest.approx(now + seconds, abs=1)


async def test_calls_inside_are_broken_off_and_those_that_left_are_not() -> None:
    doors, visitors = entrance(gate=OpenGate()), [Visitor(), Visitor()]
    first, second = record(), record()
    lease = await doors.enter(visitors[0], first, (), None)
    await doors.enter(visitors[1], second, (), None)
    doors.leave(visitors[0], first, lease, "OK")
    doors.break_off()
    assert [visitor.told for visitor in visitors] == [0, 1]


@pytest.mark.parametrize(
    ("told", "pieces", "charged"), [((3, 4), 9, 7), ((3, None), 9, 3), ((None, None), 9, 9), ((None, None), 0, 0)]
)
def test_a_call_is_charged_for_its_tokens_or_for_what_was_streamed(
    told: tuple[int | None, int | None], pieces: int, charged: int
) -> None:
    call = record()
    call.input_tokens, call.output_tokens = told
    call.pieces = pieces
    assert call.tokens == charged
