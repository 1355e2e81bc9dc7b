"""What came of a load."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """Times in seconds. `unfinished`: calls given up when patience ended. `dropped`: calls that found no connection."""

    times: list[float] = field(default_factory=list)
    """Of each right answer, from when the call was due to its last byte."""
    first: list[float] = field(default_factory=list)
    """The same, to the first byte of the body."""
    gaps: list[float] = field(default_factory=list)
    """Between two arrivals of one answer."""
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    unfinished: int = 0
    dropped: int = 0

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds if self.seconds else 0.0

    @property
    def errors(self) -> int:
        return self.failures.total() + self.unfinished + self.dropped


def quantile(values: Sequence[float], part: float) -> float:
    """Of sorted `values`; not a number where there are none."""
    return values[min(int(len(values) * part), len(values) - 1)] if values else float("nan")
