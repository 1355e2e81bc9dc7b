"""Mixed load for a while: good and bad upstreams, clients at both doors, some of which leave before they are answered.

Theory of operation. Calls go to upstreams that are one program under several names: `steady` works, `shaky` plays a
fault in a part of the calls, `dying` in all of them, and calls for `either` go to `shaky` with `steady` behind it. So
what may become of a call is known when it is asked: those for `steady` must succeed, whatever happens next to them.
The time is cut into rounds. At the end of each all clients go away, and within moments everything must be as it was:
no request open at the upstream, no sockets but those kept for later calls, no more threads. At the end of all the
server is drained, and its record of usage is compared with what the clients saw.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from fuzz.watch import Log
from load.clients import Asked, Client, Kind, clients_of
from load.plays import Play
from load.running import Served, UpstreamProgram
from load.upstream import FAULTS, STEADY

WORKERS: Final = 32
PATIENCE: Final = 30.0
"""Seconds after which a call hangs. The longest wait of any is that for a stalled upstream, a second, thrice."""
IDLE_SECONDS: Final = 5.0
SPARE_FILES: Final = 4
SPARE_BYTES: Final = 24 * 2**20
"""What may be added to the memory that the server had after the first rounds."""
_LEAVING: Final = 0.15
_LONGEST_STAY: Final = 0.4
_MOST_FAILURES: Final = 10
_KINDS: Final[tuple[Kind, ...]] = ("chat", "stream", "stream", "embeddings")
_SHARES: Final = {STEADY: 0.5, "shaky": 0.25, "either": 0.2, "dying": 0.05}
_FAULTY: Final = {STEADY: 0.0, "shaky": 0.3, "either": 0.3, "dying": 1.0}
_MOMENTS: Final = {"stall": {"DEADLINE_EXCEEDED"}, "429": {"RESOURCE_EXHAUSTED"}, "503 now and then": {"OK"}}

Tell = Callable[[str], None]


@dataclass(slots=True)
class Idle:
    """The server when nothing runs. `files` are those it has open, connections kept to the upstream left out."""

    files: int
    threads: int
    bytes: int


@dataclass(slots=True)
class Report:
    """What has been seen. `answers` counts them by status, `left` the calls whose clients did not wait."""

    answers: Counter[str] = field(default_factory=Counter)
    left: int = 0
    idle: list[Idle] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    rows: int = 0
    seconds: float = 0.0
    bytes: int = 0
    open: int = 0

    def line(self) -> str:
        """The figures so far."""
        shown = " ".join(f"{status}:{count}" for status, count in sorted(self.answers.items()))
        answered = self.answers.total()
        return (
            f"{self.seconds:.0f} s  {answered} answers, {answered / max(self.seconds, 1):.0f}/s  {self.left} left  "
            f"{self.open} open upstream  {self.bytes / 2**20:.0f} MiB  failures {len(self.failures)}  {shown}"
        )

    def summary(self) -> str:
        idle = [f"{each.files} files, {each.threads} threads, {each.bytes / 2**20:.0f} MiB" for each in self.idle]
        ends = [f"idle after the first round: {idle[0]}", f"idle after the last: {idle[-1]}"] if idle else []
        return "\n".join([self.line(), *ends, f"{self.rows} rows of usage", *self.failures])


class MixedLoad:
    """Load on `served`, which stands before `upstream` as `settings` tell it. `report` grows while it runs."""

    def __init__(self, served: Served, upstream: UpstreamProgram, log: Log) -> None:
        self.report = Report()
        self.outcomes: dict[str, str] = {}
        """What became of each call, by its id; "" if its client left."""
        self._served = served
        self._upstream = upstream
        self._log = log
        self._count = 0

    @staticmethod
    def settings(upstream: UpstreamProgram) -> list[dict[str, object]]:
        """The upstreams that the server needs."""
        times = {"first_byte_timeout": 1, "idle_timeout": 1}
        return [
            upstream.settings(STEADY, weight=0, models=[STEADY], aliases={"either": STEADY}),
            upstream.settings("shaky", models=["shaky"], aliases={"either": "shaky"}, **times),
            upstream.settings("dying", models=["dying"], **times),
        ]

    async def run(self, seconds: float, rounds: int, tell: Tell) -> None:
        began = time.monotonic()
        for number in range(1, rounds + 1):
            async with clients_of(self._served.url, self._served.grpc_address) as clients:
                ends_at = began + seconds * number / rounds
                workers = [asyncio.create_task(self._work(clients, ends_at)) for _ in range(WORKERS)]
                while not all(worker.done() for worker in workers):
                    await asyncio.wait(workers, timeout=0.5)
                    await self._look(time.monotonic() - began, tell)
                await asyncio.gather(*workers)
            await self._rest()
            if self._is_over:
                return
        self.report.failures += list(grown(self.report.idle))

    @property
    def _is_over(self) -> bool:
        return len(self.report.failures) >= _MOST_FAILURES

    async def _look(self, seconds: float, tell: Tell) -> None:
        report = self.report
        report.seconds, report.bytes = seconds, self._served.resident_bytes
        report.open = (await self._upstream.figures()).open
        if self._log.unexpected:
            report.failures += [f"logged: {line}" for line in self._log.unexpected]
            self._log.unexpected.clear()
        tell(report.line())

    async def _work(self, clients: list[Client], ends_at: float) -> None:
        while time.monotonic() < ends_at and not self._is_over:
            self._count += 1
            asked = _asked(f"load-{self._count}")
            client = clients[0] if random.random() < 0.5 else random.choice(clients[1:])
            await self._call(client, asked)

    async def _call(self, client: Client, asked: Asked) -> None:
        leaves = random.random() < _LEAVING
        self.outcomes[asked.id] = ""
        try:
            async with asyncio.timeout(random.uniform(0, _LONGEST_STAY) if leaves else PATIENCE):
                ended = await client.call(asked)
        except TimeoutError:
            if leaves:
                self.report.left += 1
            else:
                self._accuse(client, asked, "hangs")
            return
        self.outcomes[asked.id] = ended.status
        self.report.answers[ended.status] += 1
        if ended.wrong or ended.status not in expected(asked):
            self._accuse(client, asked, f"{ended.status} {ended.wrong}")

    def _accuse(self, client: Client, asked: Asked, what: str) -> None:
        self.report.failures.append(
            f"{asked.id} {type(client).__name__} {asked.kind} {asked.model} {asked.play}: {what}"
        )

    async def _rest(self) -> None:
        """Waits until nothing runs, and notes how the server is then."""
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._upstream.has_open(0)
                while (idle := await self._idle()).files > self._usual_files:  # noqa: ASYNC110 - seen from outside
                    await asyncio.sleep(0.1)
        except TimeoutError:
            figures, idle = await self._upstream.figures(), await self._idle()
            self.report.failures.append(f"not at rest after {IDLE_SECONDS:.0f} s: {figures}, {idle}")
        self.report.idle.append(idle)

    @property
    def _usual_files(self) -> int:
        return min((idle.files for idle in self.report.idle), default=self._served.open_files) + SPARE_FILES

    async def _idle(self) -> Idle:
        kept = (await self._upstream.figures()).connections - 1
        return Idle(self._served.open_files - kept, self._served.threads, self._served.resident_bytes)


def expected(asked: Asked) -> set[str]:
    """What may become of a call if its client waits."""
    if asked.model == STEADY:
        return {"OK"}
    good = set() if asked.play.fault and asked.model != "either" else {"OK"}
    return good | {"UNAVAILABLE"} | _MOMENTS.get(asked.play.fault, set())


def _asked(name: str) -> Asked:
    (model,) = random.choices(list(_SHARES), list(_SHARES.values()))
    kind = random.choice(_KINDS)
    fault = random.choice(list(FAULTS)) if random.random() < _FAULTY[model] else ""
    after = random.choice((0, 0, 2)) if fault and kind == "stream" else 0
    play = Play(random.randint(1, 20), random.choice((1, 40, 4_000)), random.choice((0.0, 0.01, 0.05)))
    return Asked(Play(play.events + after, play.size, play.pause, False, fault, after), kind, model, name)


def grown(idle: list[Idle]) -> list[str]:
    """Complaints where the server has more at the end than it had after the first rounds."""
    usual, last = idle[: max(1, len(idle) // 4)], idle[-1]
    told = []
    if last.bytes > (most := max(each.bytes for each in usual)) + SPARE_BYTES:
        told.append(f"memory grew from {most / 2**20:.0f} MiB to {last.bytes / 2**20:.0f} MiB")
    if last.threads > (threads := max(each.threads for each in usual)) + SPARE_FILES:
        told.append(f"threads grew from {threads} to {last.threads}")
    return told
