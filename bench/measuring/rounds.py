"""Measures every peer in every case, round after round.

Peers run one after the other on a core of their own; the load and the mock upstream share another. Each round starts
every peer anew, beginning with another one, so that whatever the machine does meanwhile falls on all of them alike.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.cases.case import REST, Case
from bench.measuring.cell import measured
from bench.measuring.memory import idle_and_streaming, loaded_and_after
from bench.measuring.plan import Plan
from bench.measuring.progress import Progress
from bench.measuring.rates import largest_rate
from bench.measuring.results import Results
from bench.measuring.session import Session, session, upstream
from bench.peers.direct import DIRECT
from bench.peers.peer import Peer, Unavailable

_STEPS_BESIDE_CELLS: Final = 3


class Rounds:
    """Of `plan`, with those peers and cases. `load_core` is where this process must run."""

    def __init__(
        self, plan: Plan, peers: Sequence[Peer], cases: Sequence[Case], load_core: int, peer_core: int
    ) -> None:
        self._plan = plan
        self._peers = peers
        self._cases = cases
        self._load_core = load_core
        self._peer_core = peer_core
        steps = plan.rounds * sum(len(self._cells(peer)) + _STEPS_BESIDE_CELLS for peer in peers)
        self._progress = Progress(steps)

    def run(self, results: Results) -> None:
        """Adds to `results` what is found."""
        with tempfile.TemporaryDirectory() as folder, upstream(Path(folder), self._load_core) as address:
            for at in range(self._plan.rounds):
                turn = at % len(self._peers)
                for peer in (*self._peers[turn:], *self._peers[:turn]):
                    self._peer(peer, Path(folder), address, at, results)
        self._progress.end()

    def _peer(self, peer: Peer, folder: Path, address: str, at: int, results: Results) -> None:
        """Two starts: what is held of memory after a load says nothing of what streams hold."""
        self._progress.tell(f"{peer.title}: memory")
        try:
            memory = self._memory(peer, folder, address, results)
            self._progress.step(_STEPS_BESIDE_CELLS)
            with self._started(peer, folder, address, results) as running:
                self._measure(running, at, results)
                if memory:
                    results.memory.setdefault(peer.name, []).append({**memory, **loaded_and_after(running)})
        except (Unavailable, RuntimeError, OSError) as error:
            results.unavailable[peer.name] = str(error)

    def _memory(self, peer: Peer, folder: Path, address: str, results: Results) -> Mapping[str, float]:
        if peer is DIRECT or REST not in peer.doors:
            return {}
        with self._started(peer, folder, address, results) as running:
            return idle_and_streaming(running)

    @contextmanager
    def _started(self, peer: Peer, folder: Path, address: str, results: Results) -> Iterator[Session]:
        own = Path(tempfile.mkdtemp(dir=folder))
        with session(peer, own, address, self._peer_core) as running:
            results.versions[peer.name] = peer.version()
            results.starts.setdefault(peer.name, []).append(running.start_seconds)
            yield running

    def _measure(self, running: Session, at: int, results: Results) -> None:
        name, title = running.peer.name, running.peer.title
        for case, connections in self._cells(running.peer):
            self._progress.tell(f"{title}: {case.title}, {connections} at a time")
            results.cells.append(measured(running, case, connections, self._plan, at))
            self._progress.step()
        self._progress.tell(f"{title}: fixed rates")
        if (rate := largest_rate(running, self._plan.rate_seconds)) is not None:
            results.rates.setdefault(name, []).append(rate)

    def _cells(self, peer: Peer) -> list[tuple[Case, int]]:
        return [
            (case, connections)
            for case in self._cases
            if case.door in peer.doors
            for connections in self._plan.connections
        ]
