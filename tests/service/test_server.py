from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from modelwire_service.server import GrpcServer

LIMIT = 2**20


async def test_metadata_of_a_whole_http_head_is_taken_every_time() -> None:
    server = GrpcServer([], [], address="127.0.0.1:0", max_request_bytes=LIMIT)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for size in (9_000, 12_000, 15_000, 60_000):
            answer = await health.Check(health_pb2.HealthCheckRequest(), metadata=(("x", "y" * size),))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
    await server.drain(0)


@pytest.mark.parametrize("reuse_port", [True, False])
async def test_a_port_is_shared_by_servers_that_agree_to_it(reuse_port: bool) -> None:
    first = GrpcServer([], [], address="127.0.0.1:0", max_request_bytes=LIMIT, reuse_port=True)
    await first.start()
    try:
        second = GrpcServer([], [], address=first.address, max_request_bytes=LIMIT, reuse_port=reuse_port)
    except OSError:
        assert not reuse_port
    else:
        assert reuse_port
        await second.drain(0)
    await first.drain(0)


async def test_an_address_that_cannot_be_had_is_named_without_a_guess(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/missing/s"
    with pytest.raises(OSError, match="cannot listen") as raised:
        GrpcServer([], [], address=address, max_request_bytes=LIMIT)
    told = f"cannot listen on {address}; it may be taken, or not an address of this machine"
    assert str(raised.value) == told
