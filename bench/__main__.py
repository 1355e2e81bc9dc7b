"""Measures modelwire beside its peers: `python -m bench`, or `make bench`.

Writes report.md, report.json and charts into bench/results, or build/bench where not all is measured as planned. Only
the ratios of one run mean anything.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from bench.cases.all_cases import CASES
from bench.measuring.cores import two_cores
from bench.measuring.machine import described
from bench.measuring.plan import FULL, QUICK
from bench.measuring.results import Results
from bench.measuring.rounds import Rounds
from bench.peers.all_peers import PEERS
from bench.peers.peer import ROOT
from bench.report.write import write

_WHOLE: Final = ROOT / "bench" / "results"
_IN_PART: Final = ROOT / "build" / "bench"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, up to 32 connections")
    parser.add_argument("--peer", action="append", choices=PEERS, metavar="NAME", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--case", action="append", choices=CASES, metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="what is written goes there")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    results = Results(plan.name, plan.seconds, plan.rounds, described())
    cores = two_cores(parser)
    peers = [PEERS[name] for name in options.peer or PEERS]
    cases = [CASES[name] for name in options.case or CASES]
    Rounds(plan, peers, cases, *cores).run(results)
    whole = not (options.quick or options.peer or options.case)
    sys.stdout.write(write(results, options.results or (_WHOLE if whole else _IN_PART)))


if __name__ == "__main__":
    main()
