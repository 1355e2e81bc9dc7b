"""The report's charts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.cases.all_cases import CASES
from bench.cases.case import Case
from bench.peers.all_peers import PEERS
from bench.report.bars import Groups, bar_chart
from bench.report.stats import Figures, Stat


@dataclass(frozen=True, slots=True)
class Chart:
    """`groups` may find nothing to draw."""

    file: str
    title: str
    groups: Callable[[Figures], Groups]

    def svg(self, figures: Figures) -> str:
        return bar_chart(self.title, self.groups(figures))


def _speed(figures: Figures) -> Groups:
    return _by_case(lambda peer, case: figures.stat(peer, case.name, 32, "per_second"))


def _added(figures: Figures) -> Groups:
    figure = {case.name: "first_p50_ms" if case.timed else "p50_ms" for case in CASES.values()}
    return _by_case(lambda peer, case: figures.added(peer, case.name, 1, figure[case.name]))


def _by_case(find: Callable[[str, Case], Stat | None]) -> Groups:
    groups = {}
    for case in CASES.values():
        bars = {PEERS[peer].title: stat.median for peer in PEERS if (stat := find(peer, case)) and stat.median > 0}
        if bars:
            groups[case.title] = bars
    return groups


def _memory(figures: Figures) -> Groups:
    names = {"idle": "idle", "1,000 open streams": "streams", "after all loads": "after"}
    groups: dict[str, dict[str, float]] = {}
    for peer, rounds in figures.results.memory.items():
        for title, name in names.items():
            if stat := Stat.of(each[name] for each in rounds if name in each):
                groups.setdefault(title, {})[PEERS[peer].title] = stat.median
    return groups


CHARTS: Final = (
    Chart("throughput.svg", "Calls a second on one core, 32 connections", _speed),
    Chart("added.svg", "Added latency at one connection, p50, ms (the paced stream: to the first event)", _added),
    Chart("memory.svg", "Memory, MB", _memory),
)
