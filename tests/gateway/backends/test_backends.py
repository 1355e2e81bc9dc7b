"""One contract for both backends: a service behaves the same in this process and over a channel."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc import error_details_pb2, status_pb2
from modelwire_gateway.backends.base import Backend, Call, Rpc
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.errors import RpcFailure, status_row
from support.scripted_service import Behaviour, ScriptedService, backend_to

CompileServices = Callable[[str], tuple[ServiceDescriptor, ...]]
PROTO = """
syntax = "proto3"; package t;
message M { bytes data = 1; }
service S {
  rpc Unary(M) returns (M);
  rpc Stream(M) returns (stream M);
  rpc Collect(stream M) returns (M);
  rpc Chat(stream M) returns (stream M);
}
"""
NOTICED_WITHIN = 0.1


class Harness:
    """A service in front of which stands the backend under test."""

    def __init__(self, name: str, services: tuple[ServiceDescriptor, ...]) -> None:
        self.name = name
        self._services = services
        self.rpcs = ScriptedService(services).rpcs

    @asynccontextmanager
    async def serving(self, *interceptors: Any, **behaviours: Behaviour) -> AsyncIterator["Serving"]:
        service = ScriptedService(self._services, **behaviours)
        limits = {"max_request_bytes": 2**20, "max_received_bytes": 2**19}
        async with backend_to(self.name, service, interceptors, **limits) as backend:
            yield Serving(backend, self.rpcs)


class Serving:
    def __init__(self, backend: Backend, rpcs: dict[str, Rpc]) -> None:
        self.backend = backend
        self._rpcs = rpcs

    def call(self, method: str, request: Any = b"", *, timeout: float | None = None, **metadata: str | bytes) -> Call:
        pairs = [(key.replace("_", "-"), value) for key, value in metadata.items()]
        return self.backend.call(self._rpcs[method], request, metadata=pairs, timeout=timeout)

    async def failure(self, method: str, request: Any = b"", **options: Any) -> RpcFailure:
        """How a call fails that gives nothing before."""
        call = self.call(method, request, **options)
        try:
            with pytest.raises(RpcFailure) as raised:
                await anext(call)
        finally:
            await call.aclose()
        return raised.value


@pytest.fixture(scope="module")
def services(compile_services: CompileServices) -> tuple[ServiceDescriptor, ...]:
    return compile_services(PROTO)


@pytest.fixture
def harness(backend: str, services: tuple[ServiceDescriptor, ...]) -> Harness:
    return Harness(backend, services)


async def received(call: Call) -> list[bytes]:
    """All messages of a call that succeeds."""
    try:
        return [message async for message in call]
    finally:
        await call.aclose()


async def echo(request: bytes, _: Any) -> bytes:
    return request


def name_of(error: RpcFailure) -> str:
    return status_row(error.status.code).name


async def test_unary(harness: Harness) -> None:
    async with harness.serving(Unary=echo) as serving:
        assert await received(serving.call("Unary", b"\x0a\x01x")) == [b"\x0a\x01x"]


async def test_server_stream(harness: Harness) -> None:
    async def count(request: bytes, _: Any) -> AsyncIterator[bytes]:
        for index in range(3):
            yield request + b"%d" % index

    async with harness.serving(Stream=count) as serving:
        assert await received(serving.call("Stream", b"n")) == [b"n0", b"n1", b"n2"]


async def test_client_streams(harness: Harness) -> None:
    async def collect(requests: AsyncIterator[bytes], _: Any) -> bytes:
        return b"".join([request async for request in requests])

    async def chat(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request * 2

    async def sent() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    async with harness.serving(Collect=collect, Chat=chat) as serving:
        assert await received(serving.call("Collect", sent())) == [b"ab"]
        assert await received(serving.call("Chat", sent())) == [b"aa", b"bb"]


async def test_large_answers_pass(harness: Harness) -> None:
    async def large(_: bytes, __: Any) -> bytes:
        return bytes(10_000_000)

    async with harness.serving(Unary=large) as serving:
        assert [len(message) for message in await received(serving.call("Unary"))] == [10_000_000]


async def test_metadata_in_and_out(harness: Harness) -> None:
    seen: dict[str, Any] = {}

    async def tell(_: bytes, context: Any) -> AsyncIterator[bytes]:
        seen.update(context.invocation_metadata())
        await context.send_initial_metadata((("first", "1"), ("first-bin", b"\x01")))
        context.set_trailing_metadata((("last", "2"), ("last-bin", b"\xff")))
        yield b"x"

    async with harness.serving(Stream=tell) as serving:
        call = serving.call("Stream", who="me", raw_bin=b"\x00\xff")
        assert await anext(call) == b"x"
        assert dict(await call.initial_metadata()).items() >= {"first": "1", "first-bin": b"\x01"}.items()
        assert [message async for message in call] == []
        assert dict(call.trailing_metadata()) == {"last": "2", "last-bin": b"\xff"}
        await call.aclose()
    assert seen.items() >= {"who": "me", "raw-bin": b"\x00\xff"}.items()


async def test_an_error_with_details_and_trailing_metadata(harness: Harness) -> None:
    status = status_pb2.Status(code=5, message="gone")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="GONE"))

    async def refuse(_: bytes, context: Any) -> bytes:
        await context.send_initial_metadata((("quota", "0"),))
        trailing = (("grpc-status-details-bin", status.SerializeToString()), ("last", "2"))
        await context.abort(grpc.StatusCode.NOT_FOUND, "gone", trailing)
        raise AssertionError

    async with harness.serving(Unary=refuse) as serving:
        call = serving.call("Unary")
        with pytest.raises(RpcFailure) as raised:
            await anext(call)
        assert raised.value.status == status
        assert raised.value.trailing_metadata == (("last", "2"),)
        assert dict(await call.initial_metadata())["quota"] == "0"
        await call.aclose()


@pytest.mark.parametrize(
    ("details", "message"),
    [
        pytest.param(b"\xff", "gone", id="unreadable"),
        pytest.param(status_pb2.Status(code=13, message="more").SerializeToString(), "more", id="of another code"),
        pytest.param(status_pb2.Status(message="more").SerializeToString(), "more", id="without a code"),
    ],
)
async def test_the_status_of_grpc_itself_decides(details: bytes, message: str, harness: Harness) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.NOT_FOUND, "gone", (("grpc-status-details-bin", details),))
        raise AssertionError

    async with harness.serving(Unary=refuse) as serving:
        error = await serving.failure("Unary")
    assert (name_of(error), error.status.message) == ("NOT_FOUND", message)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
async def test_every_code_arrives(code: grpc.StatusCode, harness: Harness) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        await context.abort(code, "because")
        raise AssertionError

    async def stop(_: bytes, context: Any) -> AsyncIterator[bytes]:
        yield b"x"
        await context.abort(code, "because")

    async with harness.serving(Unary=refuse, Stream=stop) as serving:
        error = await serving.failure("Unary")
        assert (name_of(error), error.status.message) == (code.name, "because")
        call = serving.call("Stream")
        assert await anext(call) == b"x"
        with pytest.raises(RpcFailure) as raised:
            await anext(call)
        await call.aclose()
    assert (name_of(raised.value), raised.value.status.message) == (code.name, "because")


async def test_a_code_that_is_set_counts_like_one_aborted_with(harness: Harness) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        context.set_code(grpc.StatusCode.ABORTED)
        context.set_details("set")
        return b"x"

    async def stop(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield await refuse(request, context)

    async with harness.serving(Unary=refuse, Stream=stop) as serving:
        error = await serving.failure("Unary")
        assert (name_of(error), error.status.message) == ("ABORTED", "set")
        call = serving.call("Stream")
        assert await anext(call) == b"x"
        with pytest.raises(RpcFailure, match="set"):
            await anext(call)
        await call.aclose()


async def test_an_exception_in_a_handler_leaks_nothing(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: bytes, __: Any) -> bytes:
        raise ValueError("the secret")

    async def fail_late(_: bytes, __: Any) -> AsyncIterator[bytes]:
        yield b"x"
        raise ValueError("the secret")

    async with harness.serving(Unary=fail, Stream=fail_late) as serving:
        error = await serving.failure("Unary", x_request_id="id-1")
        call = serving.call("Stream")
        assert await anext(call) == b"x"
        with pytest.raises(RpcFailure) as raised:
            await anext(call)
        await call.aclose()
    for failed in (error, raised.value):
        assert name_of(failed) == "UNKNOWN"
        assert "secret" not in str(failed.status)
        assert "ValueError" not in str(failed.status)
    assert "the secret" in caplog.text
    assert harness.name == "remote" or "id-1" in caplog.text


async def test_an_unknown_method_is_unimplemented(harness: Harness) -> None:
    async with harness.serving() as serving:
        unary, stream = await serving.failure("Unary"), await serving.failure("Stream")
    assert (name_of(unary), name_of(stream)) == ("UNIMPLEMENTED", "UNIMPLEMENTED")
    assert unary.status.message == stream.status.message == "the service does not serve this method"


class Noted(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    def __init__(self, name: str, notes: list[str]) -> None:
        self._name = name
        self._notes = notes

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        who = dict(details.invocation_metadata).get("who")
        self._notes.append(f"{self._name} {details.method} {who}")
        return await continuation(details)


async def test_interceptors_run_once_and_in_order(harness: Harness) -> None:
    notes: list[str] = []
    async with harness.serving(Noted("outer", notes), Noted("inner", notes), Unary=echo) as serving:
        await received(serving.call("Unary", who="me"))
    assert notes == ["outer /t.S/Unary me", "inner /t.S/Unary me"]


async def test_an_interceptor_that_fails_leaks_nothing(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(grpc.aio.ServerInterceptor):  # type: ignore[misc]
        async def intercept_service(self, _: Any, __: Any) -> Any:
            raise ValueError("the secret")

    async with harness.serving(Failing(), Unary=echo) as serving:
        error = await serving.failure("Unary")
    assert name_of(error) == "UNKNOWN"
    assert "secret" not in error.status.message
    assert "the secret" in caplog.text


async def test_handlers_see_the_time_that_is_left(harness: Harness) -> None:
    left: list[float | None] = []

    async def look(_: bytes, context: Any) -> bytes:
        left.append(context.time_remaining())
        return b""

    async with harness.serving(Unary=look) as serving:
        await received(serving.call("Unary", timeout=60))
        await received(serving.call("Unary"))
        await received(serving.call("Unary", timeout=99_999_999 * 3600.0))
    with_limit, without, with_a_huge_one = left
    assert with_limit is not None
    assert 50 < with_limit <= 60
    assert without is None
    assert with_a_huge_one is not None
    assert with_a_huge_one > 10_000_000


class Waiting:
    """Handlers that wait for ever, and tell how that ended."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def unary(self, _: bytes, __: Any) -> bytes:
        await self._wait()
        raise AssertionError

    async def stream(self, _: bytes, __: Any) -> AsyncIterator[bytes]:
        yield b"x"
        await self._wait()

    async def _wait(self) -> None:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def test_a_deadline_ends_the_call_and_cancels_the_handler(harness: Harness) -> None:
    waiting = Waiting()
    async with harness.serving(Unary=waiting.unary) as serving:
        error = await serving.failure("Unary", timeout=0.05)
        async with asyncio.timeout(5):
            await waiting.cancelled.wait()
    assert (name_of(error), error.status.message) == ("DEADLINE_EXCEEDED", "the call did not end before its deadline")


async def test_a_deadline_ends_a_stream_and_cancels_the_handler(harness: Harness) -> None:
    waiting = Waiting()
    async with harness.serving(Stream=waiting.stream) as serving:
        call = serving.call("Stream", timeout=0.3)
        assert await anext(call) == b"x"
        with pytest.raises(RpcFailure, match="before its deadline"):
            await anext(call)
        async with asyncio.timeout(5):
            await waiting.cancelled.wait()
        await call.aclose()


async def test_a_handler_cannot_outwit_its_deadline(harness: Harness) -> None:
    async def stubborn(_: bytes, context: Any) -> bytes:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            context.set_code(grpc.StatusCode.ABORTED)
        return b"too late"

    async with harness.serving(Unary=stubborn) as serving:
        assert name_of(await serving.failure("Unary", timeout=0.05)) == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize("method", ["Unary", "Stream"])
async def test_cancelling_who_waits_cancels_the_handler(method: str, harness: Harness) -> None:
    waiting = Waiting()
    async with harness.serving(Unary=waiting.unary, Stream=waiting.stream) as serving:
        task = asyncio.create_task(received(serving.call(method)))
        await waiting.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(NOTICED_WITHIN):
            await waiting.cancelled.wait()


async def test_closing_a_call_half_way_ends_the_handler(harness: Harness) -> None:
    ended = asyncio.Event()

    async def endless(_: bytes, __: Any) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0)
        finally:
            ended.set()

    async with harness.serving(Stream=endless) as serving:
        call = serving.call("Stream")
        assert await anext(call) == b"x"
        await call.aclose()
        async with asyncio.timeout(NOTICED_WITHIN):
            await ended.wait()


async def test_handlers_can_ask_to_be_told_of_the_end(harness: Harness) -> None:
    ends: asyncio.Queue[tuple[bool, bool]] = asyncio.Queue()

    async def asking(_: bytes, context: Any) -> AsyncIterator[bytes]:
        context.add_done_callback(lambda _: ends.put_nowait((context.done(), context.cancelled())))
        yield b"x"
        if dict(context.invocation_metadata()).get("how") == "waits":
            await asyncio.Event().wait()

    async with harness.serving(Stream=asking) as serving, asyncio.timeout(5):
        await received(serving.call("Stream"))
        assert await ends.get() == (True, False)
        call = serving.call("Stream", how="waits")
        await anext(call)
        await call.aclose()
        told = await ends.get()
    assert harness.name == "remote" or told == (True, True)  # grpc.aio tells before it knows how the call ended


async def test_the_backend_is_ready(harness: Harness) -> None:
    async with harness.serving() as serving:
        assert await serving.backend.ready()


class TestRemoteAlone:
    """What only a channel can suffer."""

    @pytest.fixture
    def remote(self, services: tuple[ServiceDescriptor, ...]) -> Callable[..., AbstractAsyncContextManager[Serving]]:
        return Harness("remote", services).serving

    @pytest.mark.parametrize("target", ["127.0.0.1:1", "nowhere.invalid:443", "unix:/nowhere/socket"])
    async def test_an_unreachable_server_is_unavailable(
        self, target: str, services: tuple[ServiceDescriptor, ...]
    ) -> None:
        backend = RemoteBackend(target, max_request_bytes=2**20)
        serving = Serving(backend, ScriptedService(services).rpcs)
        error = await serving.failure("Unary", timeout=10)
        assert not await backend.ready()
        await backend.close()
        assert (name_of(error), error.http_status) == ("UNAVAILABLE", 503)
        assert error.status.message == "the service cannot be reached, or the connection to it broke"

    @pytest.mark.parametrize("size", [2**19 + 1, 2**20 + 1], ids=["the server's limit", "the channel's limit"])
    async def test_a_request_too_large_is_413(
        self, size: int, remote: Callable[..., AbstractAsyncContextManager[Serving]]
    ) -> None:
        async with remote(Unary=echo) as serving:
            error = await serving.failure("Unary", bytes(size))
        assert (name_of(error), error.http_status) == ("RESOURCE_EXHAUSTED", 413)
        assert error.status.message == "the request is larger than the service takes"

    async def test_other_quotas_are_429(self, remote: Callable[..., AbstractAsyncContextManager[Serving]]) -> None:
        async def refuse(_: bytes, context: Any) -> bytes:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "a batch larger than max 10")
            raise AssertionError

        async with remote(Unary=refuse) as serving:
            error = await serving.failure("Unary")
        assert (error.http_status, error.status.message) == (429, "a batch larger than max 10")

    async def test_a_server_that_stops_in_mid_stream(self, services: tuple[ServiceDescriptor, ...]) -> None:
        waiting = Waiting()
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((ScriptedService(services, Stream=waiting.stream),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        backend = RemoteBackend(f"127.0.0.1:{port}", max_request_bytes=2**20)
        call = Serving(backend, ScriptedService(services).rpcs).call("Stream")
        assert await anext(call) == b"x"
        await server.stop(0)
        with pytest.raises(RpcFailure) as raised:
            await anext(call)
        await call.aclose()
        await backend.close()
        assert name_of(raised.value) == "UNAVAILABLE"
        assert str(port) not in raised.value.status.message


async def test_a_streaming_handler_of_another_form_is_refused_in_process(
    services: tuple[ServiceDescriptor, ...], caplog: pytest.LogCaptureFixture
) -> None:
    def listed(_: bytes, __: Any) -> list[bytes]:
        return [b"x"]

    async with Harness("local", services).serving(Stream=listed) as serving:
        error = await serving.failure("Stream")
    assert name_of(error) == "UNKNOWN"
    assert "no async generator" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR
