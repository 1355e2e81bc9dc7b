"""`python -m load.soak`: mixed load with faults and leaving clients, for as long as one likes."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

from fuzz.__main__ import Progress
from fuzz.watch import Log
from load.mixed_load import MixedLoad, Report, Tell
from load.running import serving, upstream_running
from modelwire_service.storage.storage import Storage

ROUND_SECONDS: Final = 30.0
_DRAIN_SECONDS: Final = 20.0


async def soak(seconds: float, folder: Path, tell: Tell) -> Report:
    """Loads a server for `seconds`, in rounds of half a minute, but three at least. What it writes is in `folder`."""
    log = Log()
    with log.collecting() as stderr:
        load = await _loaded(seconds, folder, log, stderr, tell)
    report = load.report
    report.failures += [f"logged: {line}" for line in log.unexpected]
    recorded = _recorded(folder, len(load.outcomes))
    report.rows = len(recorded)
    report.failures += unequal(recorded, load.outcomes)
    return report


async def _loaded(seconds: float, folder: Path, log: Log, stderr: int, tell: Tell) -> MixedLoad:
    async with (
        upstream_running() as upstream,
        serving(folder, *MixedLoad.settings(upstream), stderr=stderr) as served,
    ):
        load = MixedLoad(served, upstream, log)
        await load.run(seconds, max(3, round(seconds / ROUND_SECONDS)), tell)
        served.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_DRAIN_SECONDS):
            if code := await served.process.wait():
                load.report.failures.append(f"the server ended with code {code}")
        return load


def unequal(recorded: dict[str, str], outcomes: dict[str, str]) -> list[str]:
    """How the record of usage differs from what clients saw, both by ids. Of calls that were left it may say anything,
    and nothing of those that had not arrived.
    """
    missing = [name for name, status in outcomes.items() if status and name not in recorded]
    other = [name for name in recorded if name not in outcomes]
    differs = [
        f"{name}: {recorded[name]}, not {status}"
        for name, status in outcomes.items()
        if status and recorded.get(name, status) != status
    ]
    told = {"without a row of usage": missing, "rows of calls that nobody made": other, "rows that differ": differs}
    return [f"{len(names)} {what}: {', '.join(names[:5])}" for what, names in told.items() if names]


def _recorded(folder: Path, most: int) -> dict[str, str]:
    storage = Storage(f"sqlite:///{folder / 'usage.db'}")
    try:
        rows = storage.usage().recent(2 * most)
    finally:
        storage.close()
    recorded = {row.call_id: row.outcome for row in rows}
    assert len(recorded) == len(rows), "calls that have two rows"
    return recorded


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m load.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(soak(given.seconds, Path(folder), Progress().tell))
    sys.stdout.write(f"\n{report.summary()}\n")
    sys.exit(bool(report.failures))


if __name__ == "__main__":
    main()
