"""Around every call over gRPC: its id there and back, its one line, and no cause told of a fault of ours."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from modelwire.v1beta import chat_pb2, models_pb2, models_pb2_grpc
from modelwire_service.errors import InvalidRequest, Violation
from modelwire_service.interceptors import CallInterceptor
from support.entrances import open_entrance
from support.scripted_upstream import ScriptedUpstream, answer_events, answer_never, chunk
from support.stack import Stack

CHAT = "/modelwire.v1beta.ChatService/ChatCompletions"
GET_MODEL = "/modelwire.v1beta.ModelService/GetModel"
FRESH = r"req_[0-9a-f]{24}"


class Lines(logging.Handler):
    """The fields of each line, as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.records: asyncio.Queue[logging.LogRecord] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.put_nowait(record)

    async def next(self, event: str = "call") -> dict[str, Any]:
        async with asyncio.timeout(10):
            record = await self.records.get()
        assert record.getMessage() == event
        fields = vars(record)["fields"]
        assert isinstance(fields, dict)
        return {name: value for name, value in fields.items() if value is not None}


@pytest.fixture
def lines() -> Iterator[Lines]:
    log, handler = logging.getLogger("modelwire.call"), Lines()
    level = log.level
    log.addHandler(handler)
    log.setLevel("INFO")
    yield handler
    log.setLevel(level)
    log.removeHandler(handler)


@pytest.fixture
async def channel(stack: Stack) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(stack.grpc_address) as channel:
        yield channel


def get_model(channel: grpc.aio.Channel, name: str = "scripted", **options: Any) -> Any:
    return models_pb2_grpc.ModelServiceStub(channel).GetModel(models_pb2.GetModelRequest(model=name), **options)


def chat(channel: grpc.aio.Channel, *, stream: bool = True, temperature: float = 1, **options: Any) -> Any:
    request = chat_pb2.ChatCompletionsRequest(model="scripted", stream=stream, temperature=temperature)
    request.messages.add().update({"role": "user", "content": "a planted secret"})
    return channel.unary_stream(CHAT)(request.SerializeToString(), **options)


async def id_of(call: Any) -> str:
    """The id that came ahead of the answer."""
    (value,) = [value for key, value in await call.initial_metadata() if key == "x-request-id"]
    assert isinstance(value, str)
    return value


@pytest.mark.parametrize("given", ["my-id", "x" * 128, "!~"])
async def test_the_callers_id_comes_back_and_is_logged(given: str, channel: grpc.aio.Channel, lines: Lines) -> None:
    call = get_model(channel, metadata=[("x-request-id", given)])
    await call
    assert await id_of(call) == given
    assert (await lines.next())["id"] == given


@pytest.mark.parametrize("given", [None, "", "x" * 129, "two words"])
async def test_an_id_of_no_use_is_replaced(given: str | None, channel: grpc.aio.Channel, lines: Lines) -> None:
    call = get_model(channel, metadata=[] if given is None else [("x-request-id", given)])
    await call
    assert re.fullmatch(FRESH, await id_of(call))
    assert (await lines.next())["id"] == await id_of(call)


async def test_a_refused_call_has_its_id_too(channel: grpc.aio.Channel) -> None:
    call = get_model(channel, "other", metadata=[("x-request-id", "my-id")])
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    assert ("x-request-id", "my-id") in list(raised.value.initial_metadata())


async def test_the_line_of_a_call_that_went_well(channel: grpc.aio.Channel, lines: Lines) -> None:
    await chat(channel, stream=False).read()
    line = await lines.next()
    assert line.pop("ms") > 0
    assert re.fullmatch(FRESH, line.pop("id"))
    asked = {"rpc": CHAT, "client": "127.0.0.1", "model": "scripted", "upstream": "scripted"}
    assert line == {**asked, "status": "OK", "input_tokens": 3, "output_tokens": 2}
    assert lines.records.empty()


async def test_the_line_of_a_call_for_one_model_names_its_upstream(channel: grpc.aio.Channel, lines: Lines) -> None:
    await get_model(channel)
    line = await lines.next()
    assert (line["rpc"], line["model"], line["upstream"]) == (GET_MODEL, "scripted", "scripted")


async def test_the_line_of_a_refused_call(channel: grpc.aio.Channel, lines: Lines) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await chat(channel, temperature=3).read()
    line = await lines.next()
    assert (line["status"], line["error"]) == ("INVALID_ARGUMENT", "temperature: must be between 0 and 2")
    assert "upstream" not in line
    assert "planted" not in str(line)
    assert lines.records.empty()


async def test_the_line_of_a_call_the_caller_left(
    channel: grpc.aio.Channel, lines: Lines, upstream: ScriptedUpstream
) -> None:
    async def never_the_second(index: int) -> None:
        if index == 1:
            await asyncio.Event().wait()

    upstream.answer = answer_events(chunk("a"), chunk("never"), before_each=never_the_second)
    call = chat(channel)
    await call.read()
    call.cancel()
    line = await lines.next()
    assert (line["status"], line["upstream"]) == ("CANCELLED", "scripted")
    assert lines.records.empty()


@pytest.mark.parametrize("stream", [True, False])
async def test_the_line_of_a_call_past_its_deadline(
    stream: bool, channel: grpc.aio.Channel, lines: Lines, upstream: ScriptedUpstream
) -> None:
    upstream.answer = answer_never()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await chat(channel, stream=stream, timeout=0.3).read()
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert (await lines.next())["status"] == "DEADLINE_EXCEEDED"


async def test_health_has_no_line(channel: grpc.aio.Channel, lines: Lines) -> None:
    await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=""))
    await get_model(channel)
    assert (await lines.next())["rpc"] == GET_MODEL


async def test_a_call_has_no_line_where_only_warnings_are_wanted(channel: grpc.aio.Channel, lines: Lines) -> None:
    logging.getLogger("modelwire.call").setLevel("WARNING")
    await get_model(channel)
    assert lines.records.empty()


class Failing(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A service all of whose calls fail with `error`; `/Stream` after a first message."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def service(self, details: Any) -> grpc.RpcMethodHandler:
        if details.method == "/t.S/Stream":
            return grpc.unary_stream_rpc_method_handler(self._stream)
        return grpc.unary_unary_rpc_method_handler(self._unary)

    async def _unary(self, _: bytes, __: Any) -> bytes:
        raise self._error

    async def _stream(self, _: bytes, __: Any) -> AsyncIterator[bytes]:
        yield b"first"
        raise self._error


@asynccontextmanager
async def failing(error: Exception) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server(interceptors=[CallInterceptor(open_entrance())])
    server.add_generic_rpc_handlers((Failing(error),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(0)


async def failure(channel: grpc.aio.Channel, *, stream: bool) -> grpc.aio.AioRpcError:
    if stream:
        call = channel.unary_stream("/t.S/Stream")(b"")
        assert await call.read() == b"first"
        rest = call.read()
    else:
        rest = channel.unary_unary("/t.S/Unary")(b"")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await rest
    return raised.value


def told(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    (encoded,) = [value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"]
    return status_pb2.Status.FromString(encoded)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_fault_of_ours_is_logged_and_not_told(stream: bool, lines: Lines) -> None:
    async with failing(KeyError("a planted cause")) as channel:
        error = await failure(channel, stream=stream)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "planted" not in f"{error.details()}{told(error)}"
    cause = lines.records.get_nowait()
    assert cause.exc_info
    assert "planted" in str(cause.exc_info[1])
    line = await lines.next()
    assert (line["status"], line["id"]) == ("INTERNAL", vars(cause)["fields"]["id"])
    assert lines.records.empty()


@pytest.mark.parametrize("stream", [True, False])
async def test_the_longest_error_arrives_whole(stream: bool) -> None:
    longest = InvalidRequest([Violation("🦙" * 1000, "🦙" * 1000)] * 500)
    async with failing(longest) as channel:
        error = await failure(channel, stream=stream)
    assert (error.code(), error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, longest.message)
    assert told(error) == longest.to_status()
