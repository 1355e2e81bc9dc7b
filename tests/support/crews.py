"""`modelwire serve --workers N` as real programs, with the log of all of them."""

import asyncio
import json
import os
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import httpx
from modelwire.v1beta import models_pb2, models_pb2_grpc
from support.programs import COMMAND, clean_environment

PATIENCE = 30.0
FREE_PORTS = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
WORKERS = 2


class Crew:
    """A running server with several workers. `log` has all that its processes have logged."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.printed: list[str] = []
        self.log: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self._readers = [asyncio.create_task(self._read_log()), asyncio.create_task(self._read_printed())]

    @property
    def grpc_address(self) -> str:
        return self._address("grpc")

    @property
    def url(self) -> str:
        return f"http://{self._address('http')}"

    @property
    def pids(self) -> dict[int, int]:
        """The processes that serve, by the numbers of the workers."""
        return {line["worker"]: line["pid"] for line in self.log if line["event"] == "worker serves"}

    async def starts(self) -> None:
        """Waits until it has printed all it prints at its start."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: self._said_all() or self.process.returncode is not None)
        assert self._said_all(), (self.printed, self.log)

    async def logged(self, event: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """The line with this event and these fields, the last one of `count`, once it is there."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(self._lines(event, fields)) >= count)
        return self._lines(event, fields)[count - 1]

    async def ends(self) -> int:
        """The exit code, once no process is left that could log anything."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._readers)
            return await self.process.wait()

    def _said_all(self) -> bool:
        return any(line.startswith("try") for line in self.printed)

    def _address(self, door: str) -> str:
        return next(line.split()[1] for line in self.printed if line.startswith(door))

    def _lines(self, event: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == event and fields.items() <= line.items()]

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self._news:
                self.log.append(json.loads(line) if line.startswith(b"{") else {"event": "", "text": line.decode()})
                self._news.notify_all()

    async def _read_printed(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._news:
                self.printed.append(line.decode().rstrip("\n"))
                self._news.notify_all()
        await self.process.wait()
        async with self._news:
            self._news.notify_all()


@asynccontextmanager
async def begun_crew(*options: str, workers: int = WORKERS, **variables: str) -> AsyncIterator[Crew]:
    """`modelwire serve` with `options`, maybe not yet serving; at the end of the block nothing of it is left."""
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "serve", "--workers", str(workers), "--log-format", "json", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=clean_environment(variables),
    )
    crew = Crew(process)
    try:
        yield crew
    finally:
        if process.returncode is None:
            process.kill()
        await crew.ends()


@asynccontextmanager
async def running_crew(*options: str, workers: int = WORKERS, **variables: str) -> AsyncIterator[Crew]:
    """The same on free ports, from the moment on it serves."""
    async with begun_crew(*FREE_PORTS, *options, workers=workers, **variables) as crew:
        await crew.starts()
        yield crew


async def models_over_rest(crew: Crew, call_id: str, **headers: str) -> int:
    """The status of a call on a connection of its own."""
    async with httpx.AsyncClient(timeout=PATIENCE, verify=False) as client:
        answer = await client.get(f"{crew.url}/v1/models", headers={"x-request-id": call_id, **headers})
    return answer.status_code


async def models_over_grpc(crew: Crew, call_id: str) -> None:
    """A call on a connection of its own."""
    async with grpc.aio.insecure_channel(crew.grpc_address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = models_pb2_grpc.ModelServiceStub(channel).ListModels
        await call(models_pb2.ListModelsRequest(), metadata=[("x-request-id", call_id)], timeout=PATIENCE)


async def is_gone(pid: int) -> None:
    """Waits until a process has ended that is no child of this one's."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        assert await asyncio.to_thread(poll.poll, PATIENCE * 1000)
    finally:
        os.close(process)
