"""One measurement: a peer, a case, so many connections."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from bench.cases.case import Case
from bench.load.loops import closed_loop
from bench.load.outcome import Outcome, quantile
from bench.measuring.calls import complaint, dialogue
from bench.measuring.plan import Plan
from bench.measuring.session import Session


@dataclass(frozen=True, slots=True)
class Cell:
    """`figures` by name, see `_figures`. `complaint`: why there are none, or the first thing that went wrong."""

    peer: str
    case: str
    connections: int
    round: int
    figures: Mapping[str, float] = field(default_factory=dict)
    complaint: str = ""


def measured(running: Session, case: Case, connections: int, plan: Plan, at: int) -> Cell:
    """Loads as `plan` says, after one call was read whole; where that was wrong nothing is loaded."""
    place = (running.peer.name, case.name, connections, at)
    if wrong := complaint(case, running.target):
        return Cell(*place, {"errors": 1}, wrong)
    calls = partial(dialogue, case, running.target)
    load = partial(closed_loop, running.target.address(case), calls, patience=plan.patience)
    try:
        load(connections=min(connections, 8), seconds=plan.seconds / 10)
        running.processes.settle()
        before = running.processes.cpu_seconds()
        outcome = load(connections=connections, seconds=max(plan.seconds, case.least_seconds))
    except OSError as error:
        return Cell(*place, {"errors": 1}, f"no connection could be made: {error}")
    used = running.processes.cpu_seconds() - before
    running.processes.settle()
    return Cell(*place, _figures(outcome, used, case.timed), _first_failure(outcome))


def _figures(outcome: Outcome, cpu_seconds: float, timed: bool) -> dict[str, float]:
    """Times in milliseconds, CPU in microseconds a call. Where no answer was right, nothing but how many were wrong."""
    times = sorted(outcome.times)
    wrong: dict[str, float] = {"errors": outcome.failures.total(), "unfinished": outcome.unfinished}
    if not times:
        return wrong
    figures = wrong | {
        "per_second": outcome.per_second,
        "p50_ms": quantile(times, 0.5) * 1e3,
        "p99_ms": quantile(times, 0.99) * 1e3,
        "cpu_us": cpu_seconds / len(times) * 1e6,
        "calls": len(times),
    }
    if timed:
        first, gaps = sorted(outcome.first), sorted(outcome.gaps)
        figures |= {
            "first_p50_ms": quantile(first, 0.5) * 1e3,
            "first_p99_ms": quantile(first, 0.99) * 1e3,
            "gap_p50_ms": quantile(gaps, 0.5) * 1e3,
            "gap_p99_ms": quantile(gaps, 0.99) * 1e3,
        }
    return figures


def _first_failure(outcome: Outcome) -> str:
    if outcome.failures:
        return outcome.failures.most_common(1)[0][0]
    return "" if outcome.times else f"no answer within {outcome.seconds:.0f} s"
