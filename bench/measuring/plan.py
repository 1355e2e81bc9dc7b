"""How much is measured."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """Each load makes calls for `seconds` and waits `patience` more; each rate that is tried takes `rate_seconds`."""

    name: str
    rounds: int
    seconds: float
    patience: float
    rate_seconds: float
    connections: tuple[int, ...]


FULL: Final = Plan("full", rounds=3, seconds=1.5, patience=10.0, rate_seconds=3.0, connections=(1, 32, 256))
QUICK: Final = Plan("quick", rounds=1, seconds=0.7, patience=5.0, rate_seconds=1.0, connections=(1, 32))
