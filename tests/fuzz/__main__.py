"""`python -m fuzz`: attacks both programs for a while, or plays one saved plan again."""

import argparse
import asyncio
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Final

from fuzz.campaign import Campaign, judged
from fuzz.plans import Plan
from fuzz.targets import TARGETS

_SHARES: Final = {"gateway": 0.75, "serve": 0.25}
"""How much of the time each target gets."""
_LINE_SECONDS: Final = 5.0


class Progress:
    """One line that is written over and over, or on no terminal a line every few seconds."""

    def __init__(self) -> None:
        self._at_terminal = sys.stdout.isatty()
        self._told = 0.0

    def tell(self, line: str) -> None:
        if self._at_terminal:
            sys.stdout.write(f"\r\x1b[K{line}")
        elif time.monotonic() - self._told > _LINE_SECONDS:
            self._told = time.monotonic()
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


async def attack(seconds: float, seed: str, folder: Path) -> int:
    """Attacks one target after the other; returns how much has failed."""
    failed = 0
    for name, share in _SHARES.items():
        async with TARGETS[name]() as target:
            report = await Campaign(target, seed, folder).run(seconds * share, Progress().tell)
        ending = "\n".join([report.line(), *report.failures])
        sys.stdout.write(f"\n{ending}\n")
        failed += len(report.failures)
    return failed


async def replay(plan: Plan, name: str) -> int:
    """Plays a saved plan against the target `name`; returns how much is wrong with what came of it."""
    async with TARGETS[name]() as target:
        found, statuses = await judged(plan, target.address)
        found += target.trouble()
    sys.stdout.write("\n".join([f"answers: {statuses}", *found]) + "\n")
    return len(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="any text; the same one sends the same bytes")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="where failing plans are saved")
    parser.add_argument("--replay", type=Path, help="a saved plan")
    given = parser.parse_args()
    if given.replay:
        saved_for = json.loads(given.replay.read_text())["target"]
        sys.exit(bool(asyncio.run(replay(Plan.load(given.replay), saved_for))))
    sys.stdout.write(f"seed {given.seed}; `make fuzz REPLAY=FILE` plays a saved plan again\n")
    sys.exit(bool(asyncio.run(attack(given.seconds, given.seed, given.folder))))


if __name__ == "__main__":
    main()
