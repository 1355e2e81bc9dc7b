"""What several rounds say together."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from bench.cases.all_cases import CASES
from bench.measuring.cell import Cell
from bench.measuring.results import Results


@dataclass(frozen=True, slots=True)
class Stat:
    """The median of some rounds, and the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self | None:
        """None where there are no values."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1]) if found else None


class Figures:
    """The figures of `results`, found by peer, case and connections."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._cells: dict[tuple[str, str, int], dict[int, Cell]] = {}
        for cell in results.cells:
            self._cells.setdefault((cell.peer, cell.case, cell.connections), {})[cell.round] = cell

    def cells(self, peer: str, case: str, connections: int) -> list[Cell]:
        return list(self._cells.get((peer, case, connections), {}).values())

    def stat(self, peer: str, case: str, connections: int, figure: str) -> Stat | None:
        return Stat.of(cell.figures[figure] for cell in self.cells(peer, case, connections) if figure in cell.figures)

    def total(self, peer: str, case: str, connections: int, figure: str) -> int:
        return int(sum(cell.figures.get(figure, 0) for cell in self.cells(peer, case, connections)))

    def ratio(self, peer: str, other: str, case: str, connections: int) -> Stat | None:
        """How many times the calls a second of `other` those of `peer` are, round by round."""
        return self._paired((peer, case), (other, case), connections, "per_second", lambda ours, theirs: ours / theirs)

    def added(self, peer: str, case: str, connections: int, figure: str) -> Stat | None:
        """How much more than direct to the upstream, round by round."""
        base = ("direct", CASES[case].base or case)
        return self._paired((peer, case), base, connections, figure, lambda ours, theirs: ours - theirs)

    def _paired(
        self,
        ours: tuple[str, str],
        theirs: tuple[str, str],
        connections: int,
        figure: str,
        combine: Callable[[float, float], float],
    ) -> Stat | None:
        left, right = (self._cells.get((*which, connections), {}) for which in (ours, theirs))
        return Stat.of(
            combine(left[at].figures[figure], right[at].figures[figure])
            for at in left.keys() & right.keys()
            if left[at].figures.get(figure) and right[at].figures.get(figure)
        )
