"""The programs of a load test, each a process of its own, and what can be seen of them from outside."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from fuzz.watch import open_files, resident_bytes, sleeps, unread_from
from support.programs import COMMAND, clean_environment

_TESTS = Path(__file__).parents[1]
TURN = 0.05


@dataclass(frozen=True, slots=True)
class Figures:
    """The upstream's view: see `load.upstream`."""

    connections: int
    open: int
    served: int
    left: int
    written: int


class UpstreamProgram:
    """A running `load.upstream`."""

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self.address = address
        self._session = session

    def settings(self, name: str, **more: Any) -> dict[str, Any]:
        """An upstream of modelwire's that is this one under `name`."""
        return {"name": name, "kind": "openai", "base_url": f"http://{self.address}/{name}/v1", **more}

    async def figures(self) -> Figures:
        """Those of the moment; the connection they come over is counted, too."""
        async with self._session.get(f"http://{self.address}/figures") as response:
            return Figures(**orjson.loads(await response.read()))

    @property
    def unread(self) -> int:
        """How many connections to it have something of it that the other side has not read."""
        return unread_from(int(self.address.rpartition(":")[2]))

    async def open_gate(self) -> None:
        async with self._session.post(f"http://{self.address}/gate") as response:
            await response.read()

    async def has_open(self, count: int) -> None:
        """Waits until it serves exactly so many requests."""
        while (await self.figures()).open != count:  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(TURN)


@dataclass(frozen=True, slots=True)
class Served:
    """A running `modelwire serve`."""

    process: asyncio.subprocess.Process
    grpc_address: str
    http_address: str

    @property
    def url(self) -> str:
        return f"http://{self.http_address}"

    @property
    def resident_bytes(self) -> int:
        return resident_bytes(self.process.pid)

    @property
    def peak_bytes(self) -> int:
        """The most memory it ever had."""
        return 1024 * self._status("VmHWM")

    @property
    def threads(self) -> int:
        return self._status("Threads")

    @property
    def sleeps(self) -> bool:
        """Whether nothing in it runs, or is about to."""
        return sleeps(self.process.pid)

    @property
    def open_files(self) -> int:
        return open_files(self.process.pid)

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


@asynccontextmanager
async def upstream_running() -> AsyncIterator[UpstreamProgram]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "load.upstream"),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(_TESTS)},
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            yield UpstreamProgram(f"127.0.0.1:{port}", session)
    finally:
        process.kill()
        await process.communicate()


@asynccontextmanager
async def serving(
    folder: Path, *upstreams: Mapping[str, Any], stderr: int = subprocess.DEVNULL, **settings: Any
) -> AsyncIterator[Served]:
    """`modelwire serve` in front of `upstreams`, with other `settings` than the usual ones.

    What it writes is in `folder`: the database of usage is `usage.db`, unless the settings name another. `stderr` is a
    file descriptor that takes its log.
    """
    config = folder / "modelwire.toml"
    config.write_text("".join(_table(upstream) for upstream in upstreams))
    values = {"database": f"sqlite:///{folder / 'usage.db'}", **settings}
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "serve", "--config", str(config)),
        *("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env=clean_environment({f"MODELWIRE_{name.upper()}": str(value) for name, value in values.items()}),
    )
    try:
        yield Served(process, *await _addresses(process))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _addresses(process: asyncio.subprocess.Process) -> tuple[str, str]:
    assert process.stdout is not None
    addresses: dict[str, str] = {}
    while line := (await process.stdout.readline()).decode():
        if line.startswith("try"):
            return addresses["grpc"], addresses["http"]
        addresses[line.split()[0]] = line.split()[-1]
    raise RuntimeError(f"modelwire ended with code {await process.wait()}")


def _table(members: Mapping[str, Any]) -> str:
    return "".join(["[[upstreams]]\n", *(f"{name} = {_toml(value)}\n" for name, value in members.items())])


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(member)}" for name, member in value.items()) + " }"
    return json.dumps(value)
