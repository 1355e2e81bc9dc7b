"""All that was measured, as it is kept."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from bench.measuring.cell import Cell

_DIGITS = 4


@dataclass(slots=True)
class Results:
    """`starts`, `memory` and `rates` have one value a round, by peer. `unavailable`: who did not run, and why."""

    plan: str
    seconds: float
    rounds: int
    machine: Mapping[str, str]
    versions: dict[str, str] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    starts: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, list[Mapping[str, float]]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)

    def text(self) -> str:
        """As JSON, numbers to four digits after the point, a cell a line."""
        value = asdict(self)
        cells = ",\n  ".join(json.dumps(_rounded(cell), ensure_ascii=False) for cell in value.pop("cells"))
        head = json.dumps(_rounded(value), indent=1, ensure_ascii=False)
        return head.removesuffix("\n}") + ',\n "cells": [\n  ' + cells + "\n ]\n}\n"

    @classmethod
    def read(cls, text: str) -> Self:
        """From what `text` gave."""
        value = json.loads(text)
        return cls(**value | {"cells": [Cell(**cell) for cell in value["cells"]]})


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
