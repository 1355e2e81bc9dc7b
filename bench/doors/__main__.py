"""gRPC beside REST: bytes, time and CPU of the same calls through each door: `make bench-doors`.

Writes doors.md, doors.json and doors.svg into bench/results, or build/bench if it is quick. Takes four minutes, or
half of one.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.doors.cell import FULL, QUICK, Cell, Plan, measured
from bench.doors.results import Results
from bench.doors.ways import all_ways
from bench.measuring.cores import two_cores
from bench.measuring.machine import described
from bench.measuring.progress import Progress
from bench.measuring.session import session, upstream
from bench.peers.modelwire import MODELWIRE
from bench.peers.peer import ROOT

_WHOLE: Final = ROOT / "bench" / "results"
_QUICK: Final = ROOT / "build" / "bench"


def run(plan: Plan, load_core: int, server_core: int) -> list[Cell]:
    """The cells of all rounds; in each round a new server, and the doors take turns within each call."""
    ways, cells = all_ways(), list[Cell]()
    progress = Progress(plan.rounds * len(ways))
    with tempfile.TemporaryDirectory() as folder, upstream(Path(folder), load_core) as address:
        for _ in range(plan.rounds):
            own = Path(tempfile.mkdtemp(dir=folder))
            with session(MODELWIRE, own, address, server_core) as running:
                for way in ways:
                    progress.tell(f"{way.call}: {way.door}")
                    cells.append(measured(running, way, plan))
                    progress.step()
    progress.end()
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.doors", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="what is written goes there")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    machine = described() | {MODELWIRE.title: MODELWIRE.version()}
    cores = two_cores(parser)
    folder = options.results or (_QUICK if options.quick else _WHOLE)
    sys.stdout.write(f"{Results(plan, machine, run(plan, *cores)).write(folder)}\n")


if __name__ == "__main__":
    main()
