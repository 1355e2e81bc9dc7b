"""SIGTERM while 200 streams run, half of them at each door."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc
from load.clients import Asked, Client, Ended, clients_of
from load.plays import Play
from load.running import Served, UpstreamProgram, serving, upstream_running
from modelwire_service.storage.storage import Storage

STREAMS = 200
PATIENCE = 60.0
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass(frozen=True)
class Loaded:
    """A server with streams under way that end when the gate is opened."""

    served: Served
    upstream: UpstreamProgram
    clients: list[Client]
    streams: "asyncio.Future[list[Ended]]"

    def terminate(self) -> None:
        self.served.process.send_signal(signal.SIGTERM)


@asynccontextmanager
async def loaded(folder: Path, **settings: Any) -> AsyncIterator[Loaded]:
    async with (
        upstream_running() as upstream,
        serving(folder, upstream.settings("steady"), **settings) as served,
        clients_of(served.url, served.grpc_address) as clients,
        asyncio.timeout(PATIENCE),
    ):
        begun: asyncio.Queue[None] = asyncio.Queue()
        rest, *channels = clients
        doors = [rest if index % 2 else channels[index // 2 % len(channels)] for index in range(STREAMS)]
        calls = [door.call(Asked(Play(gated=True), id=f"s-{index}"), _once(begun)) for index, door in enumerate(doors)]
        streams = asyncio.gather(*calls)
        for _ in range(STREAMS):
            await begun.get()
        yield Loaded(served, upstream, clients, streams)


def _once(begun: "asyncio.Queue[None]") -> Callable[[], None]:
    """Tells of the first piece of a stream."""
    heard: list[None] = []

    def hear() -> None:
        if not heard:
            begun.put_nowait(None)
        heard.append(None)

    return hear


async def test_no_stream_is_cut_and_no_call_is_taken(tmp_path: Path) -> None:
    async with loaded(tmp_path, drain_notice_seconds=1.5) as load:
        served = load.served
        async with grpc.aio.insecure_channel(served.grpc_address) as channel, httpx.AsyncClient() as client:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            load.terminate()
            assert (await watch.read()).status == NOT_SERVING
            watch.cancel()
            assert (await client.get(f"{served.url}/readyz")).status_code == 503
            assert (await client.get(f"{served.url}/healthz")).status_code == 200
        async with clients_of(served.url, served.grpc_address, channels=1) as others:
            everybody = [*load.clients, *others]
            refused = await asyncio.gather(*(client.call(Asked(Play(), "chat")) for client in everybody))
        assert {(ended.status, ended.told_when) for ended in refused} == {("UNAVAILABLE", True)}
        await _closed(served.http_address)
        await _closed(served.grpc_address)
        await load.upstream.open_gate()
        assert {(ended.status, ended.wrong) for ended in await load.streams} == {("OK", "")}
        assert await served.process.wait() == 0
    assert outcomes(tmp_path) == {f"s-{index}": "OK" for index in range(STREAMS)}


async def test_streams_that_outlive_the_drain_are_cut_and_cannot_be_taken_for_whole_ones(tmp_path: Path) -> None:
    async with loaded(tmp_path, drain_seconds=0.5) as load:
        load.terminate()
        ended = await load.streams
        assert await load.served.process.wait() == 0
        await load.upstream.has_open(0)
        assert {each.status for each in ended} == {"UNAVAILABLE"}
    recorded = outcomes(tmp_path)
    assert (len(recorded), set(recorded.values())) == (STREAMS, {"UNAVAILABLE"})


async def _closed(address: str) -> None:
    """Waits until nobody listens there."""
    host, _, port = address.rpartition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except ConnectionRefusedError:
            return
        writer.close()
        await asyncio.sleep(0.02)


def outcomes(folder: Path) -> dict[str, str]:
    """What the record of usage says, by the ids of the calls."""
    storage = Storage(f"sqlite:///{folder / 'usage.db'}")
    try:
        return {row.call_id: row.outcome for row in storage.usage().recent(10 * STREAMS)}
    finally:
        storage.close()
