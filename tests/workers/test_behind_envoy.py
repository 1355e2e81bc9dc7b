"""The Envoy of docs/scaling.md in front of two servers, as programs."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from modelwire.v1beta import models_pb2, models_pb2_grpc
from support.crews import FREE_PORTS, PATIENCE, Crew, begun_crew
from support.envoy import envoy_with
from support.guarded import bearer, database_in, make_key
from support.scripted_upstream import ScriptedUpstream
from support.streams import Stream, begun, gated

CONFIG = Path(__file__).parents[2] / "docs" / "scaling" / "envoy.yaml"
STREAMS = ["REST", "gRPC"] * 6
CALLS = 12


@contextmanager
def envoy_before(envoy: str, folder: Path, *crews: Crew) -> Iterator[Path]:
    """The socket file of an Envoy with the example's configuration, but for its addresses."""
    config, front = CONFIG.read_text(), folder / "front"
    changes = {"socket_address: { address: 0.0.0.0, port_value: 8000 }": f"pipe: {{ path: {front} }}"}
    for host, crew in zip(("10.0.0.11", "10.0.0.12"), crews, strict=True):
        changes[f"address: {host}, port_value: 8080"] = _place(crew.url.removeprefix("http://"))
        changes[f"address: {host}, port_value: 50051"] = _place(crew.grpc_address)
    for written, changed in changes.items():
        assert config.count(written) == 1
        config = config.replace(written, changed)
    path = folder / "envoy.yaml"
    path.write_text(config)
    with envoy_with(envoy, path):
        yield front


def _place(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"address: {host}, port_value: {port}"


async def takes_connections(front: Path) -> None:
    """Envoy listens once it has heard of the health of all servers."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_unix_connection(front)
                writer.close()
                return
            except OSError:
                await asyncio.sleep(0)


async def call_both_ways(front: Path, key: str, name: str) -> None:
    """One call over REST and one over gRPC, each on a connection of its own."""
    transport = httpx.AsyncHTTPTransport(uds=str(front), verify=False)
    async with httpx.AsyncClient(transport=transport, timeout=PATIENCE) as client:
        headers = {"x-request-id": f"{name}-rest", **bearer(key)}
        answer = await client.get("http://modelwire.example/v1/models", headers=headers)
    assert answer.status_code == 200, answer.text
    async with grpc.aio.insecure_channel(f"unix:{front}") as channel:
        metadata = [("x-request-id", f"{name}-grpc"), *bearer(key).items()]
        request = models_pb2.ListModelsRequest()
        await models_pb2_grpc.ModelServiceStub(channel).ListModels(request, metadata=metadata, timeout=PATIENCE)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return database_in(tmp_path)


async def test_one_server_after_the_other_can_be_restarted(
    envoy: str, upstream: ScriptedUpstream, database: str, tmp_path: Path
) -> None:
    key = make_key(database)
    gate = gated(upstream)
    options = (*FREE_PORTS, "--database", database, "--auth", "keys")
    async with (
        begun_crew(*options, "--drain-notice-seconds", "3", OPENAI_BASE_URL=upstream.url) as first,
        begun_crew(*options, workers=1, OPENAI_BASE_URL=upstream.url) as second,
    ):
        await asyncio.gather(first.starts(), second.starts())
        with envoy_before(envoy, tmp_path, first, second) as front:
            await takes_connections(front)
            for number in range(CALLS):
                await call_both_ways(front, key, f"before-{number}")
            for crew in (first, second):
                await crew.logged("call", status="OK")

            streams = [Stream(first, door, key, front=front) for door in STREAMS]
            assert await begun(streams) == streams
            first.process.send_signal(signal.SIGTERM)
            await first.logged("draining")
            gate.set()
            assert all(await asyncio.gather(*(stream.whole() for stream in streams)))
            assert await first.ends() == 0
            for number in range(CALLS):
                await call_both_ways(front, key, f"after-{number}")
                await second.logged("call", id=f"after-{number}-rest", status="OK")
                await second.logged("call", id=f"after-{number}-grpc", status="OK")
