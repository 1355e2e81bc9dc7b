"""What only handlers in this process can suffer."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.backends.base import Rpc
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.errors import RpcFailure
from support.scripted_service import ScriptedService
from support.serving import Harness, name_of, received


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


async def test_a_status_that_is_no_text_is_told_as_far_as_it_is(services: tuple[ServiceDescriptor, ...]) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.NOT_FOUND, "no \ud800 here")
        raise AssertionError

    async with Harness("local", services).serving(Unary=refuse) as serving:
        error = await serving.failure("Unary")
    assert (name_of(error), error.status.message) == ("NOT_FOUND", "no ? here")


async def test_there_is_nothing_to_read_where_one_request_is_taken(
    services: tuple[ServiceDescriptor, ...], caplog: pytest.LogCaptureFixture
) -> None:
    async def read(_: bytes, context: Any) -> bytes:
        return bytes(await context.read())

    async with Harness("local", services).serving(Unary=read) as serving:
        assert name_of(await serving.failure("Unary")) == "UNKNOWN"
    assert "takes a single request" in caplog.text


async def test_requests_are_deserialized_as_they_are_taken(services: tuple[ServiceDescriptor, ...]) -> None:
    rpc = Rpc.of(services[0].methods_by_name["Collect"])

    async def collect(requests: AsyncIterator[str], _: Any) -> str:
        return "".join([request async for request in requests])

    handler = grpc.stream_unary_rpc_method_handler(collect, bytes.decode, str.encode)
    service = grpc.method_handlers_generic_handler("t.S", {"Collect": handler})

    async def requests() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    call = LocalBackend([service]).call(rpc, requests(), metadata=(), timeout=None)
    assert await received(call) == [b"ab"]


async def test_handlers_made_for_it_are_asked_for_once_and_take_requests_as_json(
    services: tuple[ServiceDescriptor, ...],
) -> None:
    asked: list[str] = []

    class Noting(grpc.aio.ServerInterceptor):  # type: ignore[misc]
        async def intercept_service(self, continuation: Any, details: Any) -> Any:
            asked.append(details.method)
            return await continuation(details)

    async def echo(request: Any, _: Any) -> bytes:
        return repr(request).encode()

    rpc = Rpc.of(services[0].methods_by_name["Unary"])
    backend = LocalBackend([ScriptedService(services, Unary=echo)], [Noting()], tailored=True)
    for request in ({"a": 1}, b"x"):
        call = backend.call(rpc, request, metadata=(), timeout=None)
        assert await received(call) == [repr(request).encode()]
    assert asked == [rpc.path]


class TestHandlersThatNeverWait:
    """Without a turn for others, no deadline would be seen to pass, and no client to leave."""

    async def test_one_that_answers_without_end_meets_its_deadline(
        self, services: tuple[ServiceDescriptor, ...]
    ) -> None:
        async def endless(_: bytes, __: Any) -> AsyncIterator[bytes]:
            while True:
                yield b"x"

        async with Harness("local", services).serving(Stream=endless) as serving:
            with pytest.raises(RpcFailure) as raised:
                await received(serving.call("Stream", timeout=0.05))
        assert name_of(raised.value) == "DEADLINE_EXCEEDED"

    async def test_one_that_takes_requests_without_end_meets_its_deadline(
        self, services: tuple[ServiceDescriptor, ...]
    ) -> None:
        async def requests() -> AsyncIterator[bytes]:
            while True:
                yield b"x"

        async def collect(taken: AsyncIterator[bytes], _: Any) -> bytes:
            async for _request in taken:
                pass
            raise AssertionError

        async with Harness("local", services).serving(Collect=collect) as serving:
            error = await serving.failure("Collect", requests(), timeout=0.05)
        assert name_of(error) == "DEADLINE_EXCEEDED"
