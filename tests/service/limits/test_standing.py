"""What follows from where a caller stands: refusals and headers."""

import math

import pytest
from modelwire_service.access.caller import Limits
from modelwire_service.limits.standing import Standing, duration, headers, refilled, refusal


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.0001, "1ms"),
        (0.02, "20ms"),
        (0.9994, "1s"),
        (1.0, "1s"),
        (1.5, "1.5s"),
        (59.9999, "1m0s"),
        (90.25, "1m30.25s"),
        (360.0, "6m0s"),
        (3600.0, "1h0m0s"),
        (90_061.001, "25h1m1.001s"),
    ],
)
def test_durations_read_as_those_of_openai(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("level", "seconds", "limit", "holds"),
    [(0.0, 30.0, 60, 30.0), (59.0, 30.0, 60, 60.0), (-60.0, 30.0, 60, -30.0), (5.0, 1.0, None, math.inf), (0, 9, 0, 0)],
)
def test_buckets_fill_steadily_up_to_a_minutes_worth(
    level: float, seconds: float, limit: int | None, holds: float
) -> None:
    assert refilled(level, seconds, limit) == holds


@pytest.mark.parametrize(
    ("limits", "standing", "retry_after", "message"),
    [
        (
            Limits(requests_per_minute=60),
            Standing(0.25, math.inf, 0),
            0.75,
            "the API key's limit of requests a minute (60) is used up; try again in 750ms",
        ),
        (
            Limits(tokens_per_minute=600),
            Standing(math.inf, -599.0, 0),
            60.0,
            "the API key's limit of tokens a minute (600) is used up; try again in 1m0s",
        ),
        (
            Limits(concurrency=2),
            Standing(math.inf, math.inf, 2),
            1.0,
            "the API key's limit of calls at once (2) is reached; try again in 1s",
        ),
        (
            Limits(60, 600, 2),
            Standing(0.0, 0.0, 2),
            1.0,
            "the API key's limit of requests a minute (60) is used up; try again in 1s",
        ),
        (
            Limits(requests_per_minute=0),
            Standing(0.0, math.inf, 0),
            None,
            "the API key's limit of requests a minute (0) is used up",
        ),
    ],
    ids=["requests", "tokens", "calls at once", "all of them", "none at all"],
)
def test_a_refusal_names_the_limit_and_when_to_try_again(
    limits: Limits, standing: Standing, retry_after: float | None, message: str
) -> None:
    error = refusal(limits, standing)
    assert not standing.admits(limits)
    assert (error.message, error.retry_after) == (message, retry_after)


def test_headers_tell_each_limit_that_there_is() -> None:
    assert headers(Limits(60, 90_000, 5), Standing(59.0, 89_910.0, 1)) == [
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1s"),
        ("x-ratelimit-limit-tokens", "90000"),
        ("x-ratelimit-remaining-tokens", "89910"),
        ("x-ratelimit-reset-tokens", "60ms"),
    ]


def test_what_is_owed_is_told_as_nothing_left() -> None:
    told = dict(headers(Limits(tokens_per_minute=60), Standing(math.inf, -300.0, 1)))
    assert told == {
        "x-ratelimit-limit-tokens": "60",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6m0s",
    }


def test_who_has_no_such_limits_gets_no_headers() -> None:
    assert headers(Limits(concurrency=5), Standing(math.inf, math.inf, 1)) == []
