"""The report of fixed figures."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.measuring.cell import Cell
from bench.measuring.results import Results
from bench.report.bars import bar_chart
from bench.report.goals import GOALS, judged
from bench.report.stats import Figures, Stat
from bench.report.text import number, ranged, spread
from bench.report.write import write

EXPECTED = Path(__file__).with_name("expected_report.md")


def cell(peer: str, case: str, connections: int, at: int, per_second: float, p50: float, **more: float) -> Cell:
    fixed = {"per_second": per_second, "p50_ms": p50, "p99_ms": 3 * p50, "cpu_us": 1e6 / per_second, "calls": 100}
    return Cell(peer, case, connections, at, fixed | {"errors": 0, "unfinished": 0} | more)


@pytest.fixture
def results() -> Results:
    found = Results("full", 2.0, 2, {"processor": "a fast one", "cores": "2"})
    found.versions = {"direct": "", "modelwire": "1.0", "litellm": "2.0"}
    found.unavailable = {"portkey": "it is not here"}
    for at, pace in enumerate((1.0, 1.1)):
        found.cells += [
            cell("direct", "short", 1, at, 5000, 0.2),
            cell("direct", "short", 32, at, 60000, 0.5),
            cell("modelwire", "short", 1, at, 2000, 0.5 * pace),
            cell("modelwire", "short", 32, at, 6000 * pace, 5),
            cell("litellm", "short", 32, at, 100, 300, errors=at, unfinished=2),
            cell("direct", "paced", 1, at, 0.8, 1260, first_p50_ms=0.2, first_p99_ms=1, gap_p50_ms=20, gap_p99_ms=21),
            cell(
                "modelwire", "paced", 1, at, 0.8, 1261, first_p50_ms=0.8, first_p99_ms=2, gap_p50_ms=20, gap_p99_ms=22
            ),
            cell("modelwire", "grpc", 1, at, 1800, 0.6),
        ]
    found.cells.append(Cell("litellm", "models", 1, 0, {"errors": 1}, "ValueError: status 500: no"))
    found.starts = {"modelwire": [0.8, 0.9], "litellm": [11.0, 12.0]}
    found.memory = {"modelwire": [{"idle": 70.0, "streams": 120.0, "opened": 1000, "loaded": 90.0, "after": 90.0}]}
    found.rates = {"direct": [20000.0, 25000.0], "modelwire": [6000.0, 6000.0]}
    return found


def test_the_report_is_the_expected_text(results: Results, tmp_path: Path) -> None:
    write(results, tmp_path)
    assert (tmp_path / "report.md").read_text() == EXPECTED.read_text()


def test_a_report_is_made_again_from_what_is_kept(results: Results, tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    told = write(results, first)
    assert write(Results.read((first / "report.json").read_text()), again) == told.replace(str(first), str(again))
    names = sorted(path.name for path in first.iterdir())
    assert names == ["added.svg", "memory.svg", "report.json", "report.md", "throughput.svg"]
    for name in names:
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_the_goals_are_judged_by_the_median(results: Results) -> None:
    verdicts = {goal.what + goal.against: (found, met) for goal, found, met in judged(Figures(results))}
    assert len(verdicts) == len(GOALS)
    assert verdicts["short chat, 32 connectionsLiteLLM"] == ("63.0 (60.0–66.0)×", "not met")
    assert verdicts["added latency, REST, p50, 1 connectiondirect"] == ("0.325 (0.300–0.350) ms", "met")
    assert verdicts["added latency, gRPC, p50, 1 connectiondirect"] == ("0.400 ms", "met")
    assert verdicts["short chat, 32 connectionsPortkey"] == ("", "not measured")


def test_a_goal_reached_with_errors_is_not_met(results: Results) -> None:
    spoilt = [
        dataclasses.replace(each, figures={**each.figures, "errors": 3})
        if (each.peer, each.case, each.connections, each.round) == ("modelwire", "short", 1, 0)
        else each
        for each in results.cells
    ]
    found = {goal.what: met for goal, _, met in judged(Figures(dataclasses.replace(results, cells=spoilt)))}
    assert found["added latency, REST, p50, 1 connection"] == "not met: 3 errors"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0123, "0.012"),
        (-0.5, "-0.500"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
    ],
)
def test_a_number_has_three_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("told", "stat", "text"),
    [
        (ranged, Stat(2, 1, 3), "2.00 (1.00–3.00)"),
        (ranged, Stat(2, 2, 2), "2.00"),
        (ranged, None, "–"),
        (spread, Stat(2, 1, 3), "100 %"),
        (spread, Stat(2, 2, 2), "–"),
        (spread, None, "–"),
    ],
)
def test_how_far_rounds_lie_apart_is_told(told: Callable[[Stat | None], str], stat: Stat | None, text: str) -> None:
    assert told(stat) == text


def test_a_chart_of_nothing_is_empty() -> None:
    assert bar_chart("Nothing <here>", {}).count("<rect") == 1
    assert "Nothing &lt;here&gt;" in bar_chart("Nothing <here>", {})
