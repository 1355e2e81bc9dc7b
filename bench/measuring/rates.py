"""The recipe by which LiteLLM measures itself: calls arrive at a fixed rate, and answers have 8 kB.

Sought is the largest rate of a ladder at which 95 of 100 calls take 100 ms at most, with no error and at least 98 % of
the calls made. Latency counts from when a call was due. (LiteLLM's has 30 s a rate, seven rounds, and a core for each
part.)
"""

from functools import partial
from typing import Final

from bench.cases.all_cases import EIGHT_KB
from bench.cases.case import REST
from bench.load.loops import closed_loop, open_loop
from bench.load.outcome import quantile
from bench.measuring.calls import complaint, dialogue
from bench.measuring.session import Session

LADDER: Final = (
    *(25, 50, 75, 100, 150, 200, 300, 450, 700, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 5000, 6000, 7000, 8000),
    *(10000, 12000, 15000, 20000, 25000, 30000),
)
"""Calls a second."""
_BOUND: Final = 0.100
_ACHIEVED: Final = 0.98


def largest_rate(running: Session, seconds: float) -> float | None:
    """0 where even the lowest is too much; None where a peer cannot be asked. Each try takes `seconds`."""
    if REST not in running.peer.doors or complaint(EIGHT_KB, running.target):
        return None
    calls = partial(dialogue, EIGHT_KB, running.target)
    closed_loop(running.target.rest, calls, connections=32, seconds=seconds / 4)
    low, high = 0, len(LADDER)
    while low < high:
        middle = (low + high) // 2
        running.processes.settle()
        if _is_kept(running, LADDER[middle], seconds):
            low = middle + 1
        else:
            high = middle
    return float(LADDER[low - 1]) if low else 0.0


def _is_kept(running: Session, rate: float, seconds: float) -> bool:
    calls = partial(dialogue, EIGHT_KB, running.target)
    outcome = open_loop(running.target.rest, calls, rate=rate, seconds=seconds)
    enough = outcome.per_second >= _ACHIEVED * rate * int(rate * seconds) / (rate * seconds)
    return not outcome.errors and enough and quantile(sorted(outcome.times), 0.95) <= _BOUND
