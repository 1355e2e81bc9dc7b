"""What is still to be told: in parts, in order, and never without bound."""

from random import Random

import pytest
from modelwire_service.access.caller import Caller
from modelwire_service.limits.redis_debts import MAX_CALLERS, MAX_LEASES, Debts

ANN, BOB = Caller("ann"), Caller("bob")
LEASE_SECONDS = 15.0


def test_what_ended_is_told_before_what_goes_on() -> None:
    debts = Debts(LEASE_SECONDS)
    for number in range(MAX_LEASES):
        debts.go_on(ANN, f"on {number}")
        debts.end(ANN, f"over {number}", 0.0)
    [first], [second] = debts.take(), debts.take()
    assert list(first.ended) == [f"over {number}" for number in range(MAX_LEASES)]
    assert (first.going_on, second.ended) == (set(), {})
    assert second.going_on == {f"on {number}" for number in range(MAX_LEASES)}
    assert not debts


def test_a_lease_that_ends_before_it_was_told_to_go_on_just_ends() -> None:
    debts = Debts(LEASE_SECONDS)
    debts.go_on(ANN, "a")
    debts.end(ANN, "a", 0.0)
    [part] = debts.take()
    assert (list(part.ended), part.going_on) == (["a"], set())


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_small_and_together_all_there_is(seed: int) -> None:
    random, debts = Random(seed), Debts(LEASE_SECONDS)
    callers = [Caller(f"caller {number}") for number in range(2 * MAX_CALLERS)]
    ended: set[tuple[str, str]] = set()
    going_on: set[tuple[str, str]] = set()
    tokens = 0
    for number in range(3 * MAX_LEASES):
        caller = random.choice(callers[:3] if seed % 2 else callers)
        tokens += number
        debts.use(caller, number)
        over = random.random() < 0.5
        (ended if over else going_on).add((caller.id, str(number)))
        debts.end(caller, str(number), 0.0) if over else debts.go_on(caller, str(number))
    while debts:
        parts = debts.take()
        assert len(parts) <= MAX_CALLERS
        assert sum(part.leases for part in parts) <= MAX_LEASES
        for part in parts:
            tokens -= part.tokens
            ended -= {(part.caller.id, lease) for lease in part.ended}
            going_on -= {(part.caller.id, lease) for lease in part.going_on}
    assert (ended, going_on, tokens) == (set(), set(), 0)


def test_what_was_not_told_is_put_back_in_the_order_of_the_ends() -> None:
    debts = Debts(LEASE_SECONDS)
    debts.end(ANN, "first", 0.0)
    debts.use(ANN, 5)
    debts.go_on(BOB, "b")
    lost = debts.take()
    debts.end(ANN, "second", 1.0)
    debts.put_back(lost, 2.0)
    [part] = debts.take()
    assert (part.caller, list(part.ended), part.tokens) == (ANN, ["first", "second"], 0)


def test_leases_that_have_run_out_are_not_put_back() -> None:
    debts = Debts(LEASE_SECONDS)
    for second in range(100):
        debts.end(ANN, str(second), float(second))
        debts.put_back(debts.take(), float(second))
    [part] = debts.take()
    assert list(part.ended) == [str(second) for second in range(84, 100)]


def test_a_caller_of_whom_nothing_is_left_takes_no_room() -> None:
    debts = Debts(LEASE_SECONDS)
    debts.end(ANN, "a", 0.0)
    debts.put_back(debts.take(), LEASE_SECONDS + 1)
    assert debts.take() == []
    assert not debts
