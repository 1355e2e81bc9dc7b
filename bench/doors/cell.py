"""One measurement: a call through a door, on a running server."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from bench.cases.case import REST
from bench.doors.ways import Way
from bench.doors.wire import bytes_of_a_call
from bench.load.dialogue import Dialogue
from bench.load.http1 import Http1, request
from bench.load.http2 import GrpcCalls
from bench.load.loops import closed_loop
from bench.load.outcome import Outcome, quantile
from bench.measuring.calls import Target
from bench.measuring.session import Session

BUSY: Final = 32
"""How many connections ask at once where calls a second and CPU are looked for."""
_WARM_UP: Final = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """`counted` calls are counted on the wire; each of two loads takes `seconds`."""

    name: str
    rounds: int
    seconds: float
    counted: int


FULL: Final = Plan("full", rounds=3, seconds=1.5, counted=10)
QUICK: Final = Plan("quick", rounds=1, seconds=0.3, counted=5)


@dataclass(frozen=True, slots=True)
class Cell:
    """Bytes of a call each way; its time in milliseconds, one at a time; of many at once calls a second, and the
    microseconds of the server's CPU that each took."""

    call: str
    door: str
    sent_bytes: float
    received_bytes: float
    p50_ms: float
    p99_ms: float
    per_second: float
    cpu_us: float

    def rounded(self) -> dict[str, Any]:
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


def measured(running: Session, way: Way, plan: Plan) -> Cell:
    """Raises RuntimeError where an answer is not right."""
    sent, received = bytes_of_a_call(way, running.target, plan.counted)
    _load(running, way, 1, plan.seconds * _WARM_UP)
    running.processes.settle()
    alone = sorted(_load(running, way, 1, plan.seconds).times)
    _load(running, way, BUSY, plan.seconds * _WARM_UP)
    running.processes.settle()
    before = running.processes.cpu_seconds()
    busy = _load(running, way, BUSY, plan.seconds)
    used = running.processes.cpu_seconds() - before
    p50, p99 = (quantile(alone, part) * 1e3 for part in (0.5, 0.99))
    return Cell(way.call, way.door, sent, received, p50, p99, busy.per_second, used / len(busy.times) * 1e6)


def _load(running: Session, way: Way, connections: int, seconds: float) -> Outcome:
    address = running.target.rest if way.protocol == REST else running.target.grpc
    make = partial(_dialogue, way, running.target)
    outcome = closed_loop(address, make, connections=connections, seconds=seconds)
    if outcome.errors or not outcome.times:
        what = f"{dict(outcome.failures.most_common(1))}, {outcome.unfinished} unfinished"
        raise RuntimeError(f"{way.call}, {way.door}: {what}")
    return outcome


def _dialogue(way: Way, target: Target) -> Dialogue:
    headers = {**target.headers, **way.headers}
    if way.protocol == REST:
        return Http1(request("POST", way.path, headers, way.body), way.expected)
    return GrpcCalls(way.path, headers, way.body, way.expected)
