"""When an upstream is left alone, and when it is asked again."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from modelwire_service.dispatch.breaker import (
    FAILURES_IN_A_ROW,
    FEWEST_CALLS,
    FIRST_OPEN_SECONDS,
    LONGEST_OPEN_SECONDS,
    PROBE_SECONDS,
    WINDOW_SECONDS,
    Breaker,
)
from modelwire_service.errors import Overloaded
from support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, lambda: 0.5)


def fail(breaker: Breaker, times: int = FAILURES_IN_A_ROW) -> None:
    for _ in range(times):
        breaker.failed(breaker.enter())


def refusal(breaker: Breaker) -> float | None:
    with pytest.raises(Overloaded) as raised:
        breaker.enter()
    return raised.value.retry_after


def test_failures_in_a_row_open_it_and_a_success_begins_the_row_anew(breaker: Breaker) -> None:
    fail(breaker, FAILURES_IN_A_ROW - 1)
    breaker.succeeded(breaker.enter())
    fail(breaker, FAILURES_IN_A_ROW - 1)
    assert breaker.state == "closed"
    fail(breaker, 1)
    assert breaker.state == "open"
    assert refusal(breaker) == FIRST_OPEN_SECONDS * 0.75


def calls(breaker: Breaker, pattern: str) -> None:
    for end in pattern:
        era = breaker.enter()
        if end == "x":
            breaker.failed(era)
        else:
            breaker.succeeded(era)


@pytest.mark.parametrize(
    ("pattern", "state"),
    [
        (".x" * (FEWEST_CALLS // 2), "open"),
        (".x" * (FEWEST_CALLS // 2 - 1), "closed"),  # too few to say anything
        (("..x" * FEWEST_CALLS), "closed"),  # a third
    ],
)
def test_a_share_of_failures_opens_it(breaker: Breaker, pattern: str, state: str) -> None:
    calls(breaker, pattern)
    assert breaker.state == state


@pytest.mark.parametrize(
    ("seconds", "state"), [(0.0, "open"), (WINDOW_SECONDS / 2, "open"), (WINDOW_SECONDS, "closed")]
)
def test_failures_of_long_ago_do_not_count(breaker: Breaker, clock: Clock, seconds: float, state: str) -> None:
    calls(breaker, ".x" * (FEWEST_CALLS // 2 - 1))
    clock.now += seconds
    calls(breaker, ".x")
    assert breaker.state == state


def test_it_stays_open_longer_each_time_up_to_a_bound_and_begins_anew_once_it_was_closed(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker)
    waits = []
    for _ in range(9):
        waits.append(refusal(breaker) or 0.0)
        clock.now += waits[-1]
        fail(breaker, 1)  # the probe
    assert waits == [0.75 * min(FIRST_OPEN_SECONDS * 2**n, LONGEST_OPEN_SECONDS) for n in range(9)]
    clock.now += LONGEST_OPEN_SECONDS
    breaker.succeeded(breaker.enter())
    fail(breaker)
    assert refusal(breaker) == waits[0]


def test_one_probe_at_a_time_and_who_gives_up_leaves_it_to_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += FIRST_OPEN_SECONDS
    assert breaker.state == "half-open"
    probe = breaker.enter()
    assert refusal(breaker) == 1.0
    breaker.abandoned(probe)
    breaker.succeeded(breaker.enter())
    assert breaker.state == "closed"


def test_a_probe_that_takes_long_is_not_waited_for(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += FIRST_OPEN_SECONDS
    slow = breaker.enter()
    clock.now += PROBE_SECONDS - 0.1
    assert refusal(breaker) == 1.0
    clock.now += 0.1
    quick = breaker.enter()
    assert refusal(breaker) == 1.0
    breaker.succeeded(slow)
    assert breaker.state == "closed"
    breaker.failed(quick)
    assert breaker.state == "closed"


def test_what_began_before_it_opened_changes_nothing_afterwards(breaker: Breaker, clock: Clock) -> None:
    early = [breaker.enter() for _ in range(9)]
    fail(breaker)
    clock.now += FIRST_OPEN_SECONDS
    probe = breaker.enter()
    breaker.succeeded(early[0])
    breaker.failed(early[1])
    breaker.abandoned(early[2])
    assert (breaker.state, refusal(breaker)) == ("half-open", 1.0)
    breaker.succeeded(probe)
    for era in early[3:]:
        breaker.failed(era)
    assert breaker.state == "closed"


class AnyCalls(RuleBasedStateMachine):
    """Calls that begin and end in any order, at any time."""

    @initialize(chance=st.floats(0, 1, exclude_max=True))
    def begin(self, chance: float) -> None:
        self.clock = Clock()
        self.breaker = Breaker(self.clock, lambda: chance)
        self.under_way: list[tuple[int, str]] = []
        self.probe_until = 0.0

    @rule()
    def enter(self) -> None:
        before = self.breaker.state
        probing = self.clock.now < self.probe_until
        error: Overloaded | None = None
        try:
            self.under_way.append((self.breaker.enter(), before))
            self.probe_until = self.clock.now + PROBE_SECONDS if before == "half-open" else 0.0
        except Overloaded as raised:
            error = raised
        assert (error is not None) == (before == "open" or (before == "half-open" and probing))
        assert error is None or 0 < (error.retry_after or 0) <= LONGEST_OPEN_SECONDS

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), end=st.sampled_from(["succeeded", "failed", "failed", "abandoned"]))
    def end(self, data: st.DataObject, end: str) -> None:
        at = data.draw(st.integers(0, len(self.under_way) - 1))
        era, state = self.under_way.pop(at)
        before, of_this_era = self.breaker.state, era == self.breaker._era
        getattr(self.breaker, end)(era)
        if not of_this_era:
            assert self.breaker.state == before
            return
        self.probe_until = 0.0
        if state == "half-open" and end != "abandoned":
            assert self.breaker.state == {"succeeded": "closed", "failed": "open"}[end]
        if end != "failed":
            assert self.breaker.state in (before, "closed")

    @rule(seconds=st.floats(0, 2 * LONGEST_OPEN_SECONDS))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def recover(self) -> None:
        """From any state, once nothing is under way, an upstream that works again is found to."""
        for era, _ in self.under_way:
            self.breaker.abandoned(era)
        self.under_way.clear()
        self.probe_until = 0.0
        self.clock.now += LONGEST_OPEN_SECONDS
        self.breaker.succeeded(self.breaker.enter())
        assert self.breaker.state == "closed"

    @invariant()
    def has_a_state(self) -> None:
        if hasattr(self, "breaker"):
            assert self.breaker.state in ("closed", "open", "half-open")


TestAnyCalls = AnyCalls.TestCase
TestAnyCalls.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
