"""What only a channel can suffer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.errors import RpcFailure
from support.scripted_service import ScriptedService
from support.serving import CHANNEL_LIMIT, SERVER_LIMIT, Harness, Serving, Waiting, echo, name_of, received


@pytest.fixture
def remote(services: tuple[ServiceDescriptor, ...]) -> Harness:
    return Harness("remote", services)


@pytest.mark.parametrize("target", ["127.0.0.1:1", "nowhere.invalid:443", "unix:/nowhere/socket"])
async def test_an_unreachable_server_is_unavailable(target: str, services: tuple[ServiceDescriptor, ...]) -> None:
    backend = RemoteBackend(target, max_request_bytes=CHANNEL_LIMIT)
    serving = Serving(backend, ScriptedService(services).rpcs)
    error = await serving.failure("Unary", timeout=10)
    assert not await backend.ready()
    await backend.close()
    assert (name_of(error), error.http_status) == ("UNAVAILABLE", 503)
    assert error.status.message == "the service cannot be reached, or the connection to it broke"


def test_it_is_made_where_no_loop_runs(services: tuple[ServiceDescriptor, ...]) -> None:
    backend = RemoteBackend("127.0.0.1:1")

    async def use() -> str:
        error = await Serving(backend, ScriptedService(services).rpcs).failure("Unary", timeout=10)
        await backend.close()
        return name_of(error)

    assert asyncio.run(use()) == "UNAVAILABLE"


async def test_it_may_be_closed_without_having_been_used() -> None:
    await RemoteBackend("127.0.0.1:1").close()


@pytest.mark.parametrize("size", [SERVER_LIMIT + 1, CHANNEL_LIMIT + 1], ids=["server", "channel"])
async def test_a_request_too_large_is_413(size: int, remote: Harness) -> None:
    async with remote.serving(Unary=echo) as serving:
        error = await serving.failure("Unary", bytes(size))
    assert (name_of(error), error.http_status) == ("RESOURCE_EXHAUSTED", 413)
    assert error.status.message == "the request is larger than the service takes"


async def test_metadata_too_large_is_431(remote: Harness) -> None:
    async with remote.serving(Unary=echo) as serving:
        error = await serving.failure("Unary", x="y" * 70_000)
    assert (name_of(error), error.http_status) == ("RESOURCE_EXHAUSTED", 431)
    assert error.status.message == "the request's metadata is larger than the service takes"


async def test_answers_bring_as_much_metadata_as_requests(remote: Harness) -> None:
    async def talkative(_: bytes, context: Any) -> bytes:
        await context.send_initial_metadata((("x", "y" * 60_000),))
        return b""

    async with remote.serving(Unary=talkative) as serving:
        assert await received(serving.call("Unary")) == [b""]


async def test_other_quotas_are_429(remote: Harness) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "a batch larger than max 10")
        raise AssertionError

    async with remote.serving(Unary=refuse) as serving:
        error = await serving.failure("Unary")
    assert (error.http_status, error.status.message) == (429, "a batch larger than max 10")


async def test_a_server_that_stops_in_mid_stream(services: tuple[ServiceDescriptor, ...]) -> None:
    waiting = Waiting()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((ScriptedService(services, Stream=waiting.stream),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    backend = RemoteBackend(f"127.0.0.1:{port}", max_request_bytes=CHANNEL_LIMIT)
    call = Serving(backend, ScriptedService(services).rpcs).call("Stream")
    assert await anext(call) == b"x"
    await server.stop(0)
    with pytest.raises(RpcFailure) as raised:
        await anext(call)
    await call.aclose()
    await backend.close()
    assert name_of(raised.value) == "UNAVAILABLE"
    assert str(port) not in raised.value.status.message


@pytest.mark.parametrize("method", ["Collect", "Chat"])
async def test_a_status_that_comes_while_requests_are_sent_is_the_status(method: str, remote: Harness) -> None:
    async def refuse(_: AsyncIterator[bytes], context: Any) -> bytes:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "nobody knows you")
        raise AssertionError

    async def refuse_stream(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        yield await refuse(requests, context)

    async def many() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(1000)
            await asyncio.sleep(0)  # gives the status its chance between any two of them

    async with remote.serving(Collect=refuse, Chat=refuse_stream) as serving:
        errors = [await serving.failure(method, many()) for _ in range(50)]
    assert {(name_of(error), error.status.message) for error in errors} == {("UNAUTHENTICATED", "nobody knows you")}
