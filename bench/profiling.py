"""A flame graph of modelwire under one case: `python -m bench.profiling CASE`, or `make profile CASE=stream`.

py-spy looks at the server from outside, from the core that the load is on. It may ask for root where a process may not
look at others. The graph, an SVG for a browser, is build/profiles/CASE.svg.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.cases.all_cases import CASES
from bench.cases.case import Case
from bench.load.loops import closed_loop
from bench.load.outcome import Outcome
from bench.measuring.calls import complaint, dialogue
from bench.measuring.cores import two_cores
from bench.measuring.session import Session, session, upstream
from bench.peers.modelwire import MODELWIRE
from bench.peers.peer import ROOT, TOOLCHAINS, installed

_PY_SPY: Final = TOOLCHAINS / "profiling" / "bin" / "py-spy"
_FOLDER: Final = ROOT / "build" / "profiles"
_SAMPLES_A_SECOND: Final = "250"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profiling", description=__doc__)
    parser.add_argument("case", choices=CASES, metavar="CASE", help=f"one of {', '.join(CASES)}")
    parser.add_argument("--connections", type=int, default=32, metavar="N", help="default 32")
    parser.add_argument("--seconds", type=int, default=10, metavar="S", help="default 10")
    options = parser.parse_args()
    case = CASES[options.case]
    load_core, peer_core = two_cores(parser)
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream(Path(folder), load_core) as address,
        session(MODELWIRE, Path(folder), address, peer_core) as running,
    ):
        told = profiled(running, case, options.connections, options.seconds)
    sys.stdout.write(told)


def profiled(running: Session, case: Case, connections: int, seconds: int) -> str:
    """Writes the graph; what came of the load, in a line. Raises RuntimeError for answers that are not right."""
    if wrong := complaint(case, running.target):
        raise RuntimeError(f"{case.title}: {wrong}")
    _FOLDER.mkdir(parents=True, exist_ok=True)
    graph = _FOLDER / f"{case.name}.svg"
    before = running.processes.cpu_seconds()
    look = ["record", "--pid", str(running.processes.roots[0]), "--duration", str(seconds), "--output", str(graph)]
    with subprocess.Popen([installed(_PY_SPY), *look, "--rate", _SAMPLES_A_SECOND, "--threads"]) as spy:
        outcome = _loaded(running, case, connections, seconds)
    used = running.processes.cpu_seconds() - before
    if spy.returncode or not outcome.times:
        raise RuntimeError(f"py-spy ended with code {spy.returncode}, {len(outcome.times)} calls were answered")
    per_call = used / len(outcome.times) * 1e6
    return f"{case.title}: {outcome.per_second:,.0f} calls/s, {per_call:,.0f} µs of CPU each; {graph}\n"


def _loaded(running: Session, case: Case, connections: int, seconds: int) -> Outcome:
    address = running.target.address(case)
    return closed_loop(address, lambda: dialogue(case, running.target), connections=connections, seconds=seconds)


if __name__ == "__main__":
    main()
