"""What only a channel can suffer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from grpc_reflection.v1alpha import reflection_pb2
from modelwire_gateway.backends.base import Rpc
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.errors import RpcFailure
from support.raw_http import PATIENCE
from support.reflecting import serving
from support.scripted_service import ScriptedService, served
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


def test_it_serves_one_event_loop_after_the_other(services: tuple[ServiceDescriptor, ...]) -> None:
    rpcs = ScriptedService(services).rpcs
    rpc = grpc.unary_unary_rpc_method_handler(lambda request, _: request)

    async def use(backend: RemoteBackend) -> None:
        assert await backend.ready()
        assert await received(Serving(backend, rpcs).call("Unary", b"x")) == [b"x"]

    async def use_and_close(backend: RemoteBackend) -> None:
        await use(backend)
        await backend.close()

    with serving(grpc.method_handlers_generic_handler("t.S", {"Unary": rpc})) as target:
        backend = RemoteBackend(target)
        for way in (use, use, use_and_close):
            asyncio.run(way(backend))
        used_elsewhere = RemoteBackend(target)
        asyncio.run(use(used_elsewhere))
        asyncio.run(used_elsewhere.close())


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


MANY_KEYS = [(f"key{at}", "1") for at in range(2600)]
MANY_VALUES: list[tuple[str, str | bytes]] = [("a-bin", b"")] * 20_000


@pytest.mark.parametrize("method", ["Unary", "Stream"])
@pytest.mark.parametrize("metadata", [MANY_KEYS, MANY_KEYS[:500], MANY_VALUES], ids=["keys", "fewer-keys", "values"])
async def test_metadata_of_too_many_parts_is_431_though_nobody_says_why(
    metadata: list[tuple[str, str | bytes]], method: str, remote: Harness
) -> None:
    async with remote.serving(Unary=echo) as serving:
        call = serving.backend.call(remote.rpcs[method], b"", metadata=metadata, timeout=None)
        with pytest.raises(RpcFailure) as raised:
            await anext(call)
        await call.aclose()
    assert (name_of(raised.value), raised.value.http_status) == ("RESOURCE_EXHAUSTED", 431)
    assert raised.value.status.message == "the request's metadata is larger than the service takes"


async def test_a_quota_that_is_not_explained_is_429(remote: Harness) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED)
        raise AssertionError

    async with remote.serving(Unary=refuse) as serving:
        error = await serving.failure("Unary", x="y" * 4000)
    assert (error.http_status, error.status.message) == (429, "")


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_answers_of_server_reflection_are_bounded(version: str) -> None:
    method = grpc.stream_stream_rpc_method_handler(lambda _, __: iter([bytes(64 * 2**20 + 1)]))
    name = f"grpc.reflection.{version}.ServerReflection"
    rpc = Rpc(
        f"/{name}/ServerReflectionInfo", reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].methods[0]
    )

    async def no_questions() -> AsyncIterator[bytes]:
        return
        yield b""

    with serving(grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method})) as target:
        backend = RemoteBackend(target)
        call = backend.call(rpc, no_questions(), metadata=(), timeout=None)
        with pytest.raises(RpcFailure) as raised:
            await anext(call)
        await call.aclose()
        await backend.close()
    assert (name_of(raised.value), raised.value.http_status) == ("RESOURCE_EXHAUSTED", 500)
    assert raised.value.status.message == "the answer is larger than the gateway takes"


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


_PING = b"\0\0\x08\x06\0"  # how its frame begins (RFC 9113, sections 4.1 and 6.7)
_PINGS = 4  # one more than there would be if it had to send anything else in between


@asynccontextmanager
async def vanishing(target: str, vanished: asyncio.Event) -> AsyncIterator[str]:
    """Relays to `target`, but nothing more once the client has sent its pings."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_target, to_target = await asyncio.open_connection(*target.split(":"))
        await asyncio.gather(pass_on(reader, to_target, _PING), pass_on(from_target, writer))

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bytes | None = None) -> None:
        count = 0
        while data := await reader.read(65536):
            count += data.count(counted) if counted else 0
            if count >= _PINGS:
                vanished.set()
            if not vanished.is_set():
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.close()


async def test_a_call_without_a_deadline_ends_when_its_server_vanishes_however_long_it_has_waited(
    services: tuple[ServiceDescriptor, ...],
) -> None:
    waiting, vanished = Waiting(), asyncio.Event()
    service = ScriptedService(services, Stream=waiting.stream)
    # It is asked once a second, which is as often as gRPC does that.
    patient = [("grpc.http2.max_ping_strikes", 0)]
    async with served(service, options=patient) as address, vanishing(address, vanished) as target:
        backend = RemoteBackend(target, ping_seconds=1, pong_seconds=1)
        call = Serving(backend, service.rpcs).call("Stream")
        async with asyncio.timeout(PATIENCE * 2):
            assert await anext(call) == b"x"
            with pytest.raises(RpcFailure) as raised:
                await anext(call)
        await call.aclose()
        await backend.close()
    assert vanished.is_set()
    assert name_of(raised.value) == "UNAVAILABLE"
    assert raised.value.status.message == "the service cannot be reached, or the connection to it broke"


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
