"""A short soak, and that a soak would find something."""

from collections import Counter
from pathlib import Path

import pytest
from load.clients import Asked
from load.mixed_load import SPARE_BYTES, Idle, expected, grown
from load.plays import Play
from load.soak import soak, unequal


def ignore(_: str) -> None:
    pass


async def test_nothing_leaks_and_nothing_hangs_under_mixed_load(tmp_path: Path) -> None:
    report = await soak(20.0, tmp_path, ignore)
    assert not report.failures, report.summary()
    assert report.answers["OK"] > 200
    assert report.answers.keys() >= {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
    assert report.left > 10


@pytest.mark.parametrize(
    ("last", "complaints"),
    [
        (Idle(20, 15, 100 * 2**20), 0),
        (Idle(20, 15, 100 * 2**20 + SPARE_BYTES + 1), 1),
        (Idle(20, 40, 100 * 2**20), 1),
    ],
)
def test_what_a_server_keeps_is_found(last: Idle, complaints: int) -> None:
    assert len(grown([Idle(20, 15, 100 * 2**20), last])) == complaints


@pytest.mark.parametrize(
    ("recorded", "outcomes", "complaints"),
    [
        ({"a": "OK", "b": "CANCELLED"}, {"a": "OK", "b": "", "c": ""}, 0),
        ({}, {"a": "OK"}, 1),
        ({"a": "OK", "b": "OK"}, {"a": "OK"}, 1),
        ({"a": "CANCELLED"}, {"a": "OK"}, 1),
    ],
)
def test_a_record_that_says_something_else_is_found(
    recorded: dict[str, str], outcomes: dict[str, str], complaints: int
) -> None:
    assert len(unequal(recorded, outcomes)) == complaints


def test_calls_to_a_good_upstream_must_succeed_whatever_happens_beside_them() -> None:
    by_model = Counter({model: len(expected(Asked(Play(fault="429"), model=model))) for model in ("steady", "shaky")})
    assert by_model == {"steady": 1, "shaky": 2}
