"""How long to wait, and how often to try."""

import pytest
from modelwire_service.dispatch.back_off import BASE_SECONDS, CAP_SECONDS, LONGEST_TOLD_SECONDS, back_off
from modelwire_service.dispatch.retry_budget import A_CALL, A_SECOND, MOST, RetryBudget


@pytest.mark.parametrize(
    ("attempt", "told", "chance", "seconds"),
    [
        (1, None, 0.0, 0.0),
        (1, None, 0.5, BASE_SECONDS / 2),
        (2, None, 0.5, BASE_SECONDS),
        (3, None, 0.5, BASE_SECONDS * 2),
        (9, None, 0.5, CAP_SECONDS / 2),
        (1, 2.0, 0.0, 2.0),
        (1, 2.0, 0.5, 2.1),  # a little on top
        (9, 2.0, 0.5, CAP_SECONDS / 2),  # the longer of both
        (1, 0.0, 0.5, BASE_SECONDS / 2),
        (1, LONGEST_TOLD_SECONDS, 0.0, LONGEST_TOLD_SECONDS),
        (1, LONGEST_TOLD_SECONDS + 0.1, 0.0, None),
    ],
)
def test_a_wait_grows_and_is_drawn_and_keeps_what_was_told(
    attempt: int, told: float | None, chance: float, seconds: float | None
) -> None:
    assert back_off(attempt, told, lambda: chance) == seconds


def test_few_attempts_are_saved_up_and_time_adds_a_little() -> None:
    now = 0.0
    budget = RetryBudget(lambda: now)
    assert [budget.take() for _ in range(int(MOST) + 1)] == [True] * int(MOST) + [False]
    now += 1 / A_SECOND
    assert [budget.take(), budget.take()] == [True, False]
    now += 1e6
    assert sum(budget.take() for _ in range(100)) == MOST


def test_an_outage_is_not_multiplied() -> None:
    budget = RetryBudget(lambda: 0.0)
    again = 0
    for _ in range(10_000):
        budget.pay_in()
        again += sum(budget.take() for _ in range(2))
    assert again == pytest.approx(10_000 * A_CALL + MOST, abs=1)
