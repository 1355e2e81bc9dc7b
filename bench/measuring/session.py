"""One peer, started, answering, and ended."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.cases.all_cases import CASES, SHORT
from bench.cases.case import GRPC, REST
from bench.measuring.calls import Target, complaint
from bench.measuring.processes import Processes, free_port, started
from bench.peers.direct import DIRECT
from bench.peers.peer import Peer, Place

_START_PATIENCE: Final = 180.0
_BETWEEN_TRIES: Final = 0.005
_LOG_SHOWN: Final = 2000


@dataclass(frozen=True, slots=True)
class Session:
    """A running peer. `start_seconds`: from the start of its processes to its first right answer from the upstream."""

    peer: Peer
    target: Target
    processes: Processes
    start_seconds: float


@contextmanager
def session(peer: Peer, folder: Path, upstream: str, core: int) -> Iterator[Session]:
    """Runs `peer` on that core until the block ends.

    `folder` takes its files. Raises Unavailable, and RuntimeError where it never answers.
    """
    place = Place(folder, upstream, free_port(), free_port())
    prepared = peer.prepare(place)
    target = Target(place.rest, place.grpc, prepared.headers)
    log = folder / "log.txt"
    began = time.perf_counter()
    with started(prepared.commands, log, core) as processes:
        _wait_until_it_answers(peer, target, log)
        yield Session(peer, target, processes, time.perf_counter() - began)


@contextmanager
def upstream(folder: Path, core: int) -> Iterator[str]:
    """The address of the mock upstream that peers call."""
    with session(DIRECT, folder, "", core) as mock:
        yield mock.target.rest


def _wait_until_it_answers(peer: Peer, target: Target, log: Path) -> None:
    first = SHORT if REST in peer.doors else next(case for case in CASES.values() if case.door == GRPC)
    given_up = time.monotonic() + _START_PATIENCE
    while wrong := complaint(first, target):
        if time.monotonic() > given_up:
            raise RuntimeError(f"{peer.title} does not answer ({wrong}):\n{log.read_text()[-_LOG_SHOWN:]}")
        time.sleep(_BETWEEN_TRIES)
