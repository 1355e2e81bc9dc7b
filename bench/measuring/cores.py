"""Which cores the parts of a measurement run on."""

import argparse
import os
import signal
import sys


def two_cores(parser: argparse.ArgumentParser) -> tuple[int, int]:
    """The core of the load, on which this process is from here on, and that of what is measured.

    Ends with the parser's error where there is but one. SIGTERM ends the process in order, with all that it started.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        parser.error("two cores are needed: one for what is measured, one for the load")
    os.sched_setaffinity(0, {cores[0]})
    return cores[0], cores[-1]
