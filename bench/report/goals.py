"""What modelwire is to reach, and whether it does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bench.measuring.memory import STREAMS
from bench.report.stats import Figures, Stat
from bench.report.text import ranged

OURS: Final = "modelwire"
Measure = Callable[[Figures], Stat | None]


@dataclass(frozen=True, slots=True)
class Goal:
    """`cell`: the case and connections whose errors would spoil it."""

    what: str
    against: str
    bound: float
    unit: str
    measure: Measure
    at_least: bool = False
    cell: tuple[str, int] | None = None

    @property
    def wanted(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}{self.unit}"

    def is_met(self, median: float) -> bool:
        return median >= self.bound if self.at_least else median <= self.bound


def _times(what: str, case: str, other: str, title: str, bound: float) -> Goal:
    measure: Measure = lambda figures: figures.ratio(OURS, other, case, 32)  # noqa: E731
    return Goal(f"{what}, 32 connections", title, bound, "×", measure, at_least=True, cell=(case, 32))


def _added(what: str, case: str, figure: str, bound: float) -> Goal:
    measure: Measure = lambda figures: figures.added(OURS, case, 1, figure)  # noqa: E731
    return Goal(f"{what}, 1 connection", "direct", bound, " ms", measure, cell=(case, 1))


def _cold_start(figures: Figures) -> Stat | None:
    return Stat.of(figures.results.starts.get(OURS, ()))


def _streams_memory(figures: Figures) -> Stat | None:
    rounds = figures.results.memory.get(OURS, ())
    return Stat.of(each["streams"] - each["idle"] for each in rounds if each["opened"] == STREAMS)


GOALS: Final = (
    _times("short chat", "short", "litellm", "LiteLLM", 80),
    _times("short chat", "short", "portkey", "Portkey", 9),
    _times("short chat", "short", "envoy_transcoder", "Envoy transcoder + our gRPC", 5),
    _times("short chat", "short", "envoy_proxy", "Envoy, plain proxy", 0.25),
    _times("stream of 100 events", "stream", "litellm", "LiteLLM", 350),
    _times("stream of 100 events", "stream", "envoy_proxy", "Envoy, plain proxy", 0.75),
    _times("200 kB prompt", "prompt", "litellm", "LiteLLM", 35),
    _times("200 kB prompt", "prompt", "envoy_proxy", "Envoy, plain proxy", 0.22),
    _times("embeddings 16 × 1,536, float", "embed", "litellm", "LiteLLM", 50),
    _times("embeddings 16 × 1,536, float", "embed", "direct", "direct to the mock", 0.6),
    _times("gRPC, short chat", "grpc", "grpc_echo", "grpc.aio echo", 0.5),
    _added("added latency, REST, p50", "short", "p50_ms", 0.35),
    _added("added latency, gRPC, p50", "grpc", "p50_ms", 0.45),
    _added("added time to first token, p50", "paced", "first_p50_ms", 0.5),
    Goal("cold start to the first answer of a remote upstream", "", 1.0, " s", _cold_start),
    Goal("memory of 1,000 open streams", "idle", 150, " MB", _streams_memory),
)


def judged(figures: Figures) -> Iterator[tuple[Goal, str, str]]:
    """Each goal with what was measured and whether it is met, in words."""
    for goal in GOALS:
        found = goal.measure(figures)
        measured = "" if found is None else ranged(found) + goal.unit
        if wrong := _wrong(figures, goal):
            yield goal, measured, f"not met: {wrong} errors"
        elif found is None:
            yield goal, measured, "not measured"
        else:
            yield goal, measured, "met" if goal.is_met(found.median) else "not met"


def _wrong(figures: Figures, goal: Goal) -> int:
    """How many of our own calls in the goal's cell were not answered, or not rightly."""
    if goal.cell is None:
        return 0
    return sum(figures.total(OURS, *goal.cell, name) for name in ("errors", "unfinished"))
