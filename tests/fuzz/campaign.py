"""Many plans against one target for a while, and what came of it."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from fuzz.connection import PATIENCE, play
from fuzz.plans import Plan, make_plan, orderly_plan
from fuzz.targets import Target
from fuzz.verdict import complaints
from fuzz.watch import open_files, resident_bytes

_WORKERS: Final = 16
_MOST_FAILURES: Final = 10
_SAMPLE_SECONDS: Final = 0.5
_SPARE_BYTES: Final = 48 * 2**20
"""What an allocator may keep of a heap that large requests have torn, though nothing leaks."""
_SPARE_FILES: Final = 64

Tell = Callable[[str], None]


@dataclass(slots=True)
class Report:
    """What a campaign has seen. It succeeded if there are no `failures`."""

    target: str
    seed: str
    plans: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def line(self) -> str:
        """The figures so far."""
        answers = self.statuses.total()
        shown = " ".join(f"{status}:{count}" for status, count in sorted(self.statuses.items()))
        mib = (self.resident or [0])[-1] / 2**20
        rate = answers / self.seconds if self.seconds else 0.0
        return (
            f"{self.target} {self.seconds:.0f} s  {self.plans} connections  {answers} answers, {rate:.0f}/s  "
            f"{mib:.0f} MiB  failures {len(self.failures)}  {shown}"
        )


class Campaign:
    """Plays plans that follow from `seed` on several connections at a time; each failing one is saved in `folder`."""

    def __init__(self, target: Target, seed: str, folder: Path) -> None:
        self.report = Report(target.name, seed)
        self._target = target
        self._folder = folder
        self._next = 0
        self._recent: deque[tuple[Plan, str]] = deque(maxlen=3 * _WORKERS)
        self._over = False

    async def run(self, seconds: float, tell: Tell) -> Report:
        """Runs for `seconds`, or until too much has failed; `tell` is given the figures as they grow."""
        await self._once(orderly_plan(self._target.last_path), "orderly")
        files = open_files(self._target.pid)
        began = time.monotonic()
        workers = [asyncio.create_task(self._work(began + seconds)) for _ in range(_WORKERS)]
        while workers and not all(worker.done() for worker in workers):
            await asyncio.wait(workers, timeout=_SAMPLE_SECONDS)
            self._sample(began)
            tell(self.report.line())
        await asyncio.gather(*workers)
        await self._look_back(files)
        return self.report

    def _sample(self, began: float) -> None:
        self.report.seconds = time.monotonic() - began
        if self._target.is_running():
            self.report.resident.append(resident_bytes(self._target.pid))

    async def _work(self, end: float) -> None:
        while time.monotonic() < end and not self._over:
            self._next += 1
            name = f"{self.report.seed}-{self._next}"
            await self._once(make_plan(self._target.corpus, self._target.last_path, Random(name)), name)

    async def _once(self, plan: Plan, name: str) -> None:
        self._recent.append((plan, name))
        try:
            found, statuses = await judged(plan, self._target.address)
        except OSError as error:
            found, statuses = [f"no connection: {error}"], []
        self.report.plans += 1
        self.report.statuses.update(statuses)
        if self._over:
            return
        if found:
            self.report.failures.append(f"{self._save(plan, name, found)}: {'; '.join(found)}")
            self._over = len(self.report.failures) >= _MOST_FAILURES
        if trouble := [*self._target.trouble(), *([] if self._target.is_running() else ["the program has ended"])]:
            self._accuse(trouble)

    def _accuse(self, trouble: list[str]) -> None:
        """Trouble that shows elsewhere than in an answer: any of the latest plans may have brought it."""
        suspects = [str(self._save(plan, name, trouble)) for plan, name in self._recent]
        self.report.failures.append(f"{'; '.join(trouble)} after one of {' '.join(suspects)}")
        self._over = True

    def _save(self, plan: Plan, name: str, found: list[str]) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._target.name}-{name}.json"
        plan.save(path, found=found, target=self._target.name)
        return path

    async def _look_back(self, files_before: int) -> None:
        """What only shows at the end: memory that grew, connections that stayed."""
        failures = self.report.failures
        if not self._target.is_running():
            return
        if complaint := growth(self.report.resident):
            failures.append(complaint)
        for _ in range(round(PATIENCE / _SAMPLE_SECONDS)):
            if (files := open_files(self._target.pid)) <= files_before + _SPARE_FILES:
                return
            await asyncio.sleep(_SAMPLE_SECONDS)
        failures.append(f"{files} files are open, {files_before} were before")


async def judged(plan: Plan, address: str, *, patience: float = PATIENCE) -> tuple[list[str], list[int]]:
    """Plays a plan; what is wrong with what came of it, and the statuses of the answers."""
    outcome = await play(plan, address, patience=patience)
    found = list(complaints(plan, outcome))
    return found, outcome.statuses


def growth(resident: list[int]) -> str | None:
    """A complaint where a program took much more memory in the last third of the time than in the first."""
    third = len(resident) // 3
    if not third:
        return None
    first, last = max(resident[:third]), max(resident[-third:])
    if last <= first * 1.2 + _SPARE_BYTES:
        return None
    return f"memory grew from {first / 2**20:.0f} MiB to {last / 2**20:.0f} MiB"
