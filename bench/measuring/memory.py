"""What a peer holds of memory: idle, and with many streams open."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from bench.cases.all_cases import HELD
from bench.load.loops import held_streams
from bench.measuring.calls import dialogue
from bench.measuring.session import Session

STREAMS: Final = 1000
_PATIENCE: Final = 60.0
_A_MOMENT: Final = 1.0


def idle_and_streaming(running: Session) -> Mapping[str, float]:
    """In MB: `idle` after the first answer, `streams` with so many open; `opened` is how many of them were heard of."""
    running.processes.settle()
    idle = running.processes.memory_mb()
    calls = partial(dialogue, HELD, running.target)
    with held_streams(running.target.rest, calls, count=STREAMS, patience=_PATIENCE) as opened:
        streams = running.processes.memory_mb()
    running.processes.settle()
    return {"idle": idle, "streams": streams, "opened": opened}


def loaded_and_after(running: Session) -> Mapping[str, float]:
    """In MB: `loaded` right after the loads, and `after` a moment of quiet."""
    loaded = running.processes.memory_mb()
    time.sleep(_A_MOMENT)
    return {"loaded": loaded, "after": running.processes.memory_mb()}
