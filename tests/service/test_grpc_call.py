"""Calls of plain handlers, on the server that takes them by the shortest way and on grpc.aio's own alike."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from modelwire_service.grpc_call import is_plain
from modelwire_service.rpc import Last
from modelwire_service.sturdy_server import add_services, sturdy_server

SERVICE = "plain.Plain"


LARGE = bytes(1 << 20)
"""So much that it is not sent at once."""


def running_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def read_on(call: Any) -> None:
    """Reads until the call's end. Raises its error."""
    while await call.read() != grpc.aio.EOF:
        pass


class Plain:
    """What the methods do; `ended` has how those ended that were broken off."""

    def __init__(self) -> None:
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        self.stuck: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
        self.begun, self.may_answer = asyncio.Event(), asyncio.Event()

    async def one(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        await context.send_initial_metadata((("ahead", "1"), ("ahead-bin", b"\xff")))
        return b"of " + await anext(requests)

    async def bare(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        return b",".join([request async for request in requests])

    async def many(self, requests: AsyncIterator[bytes], context: Any) -> AsyncGenerator[bytes]:
        await context.send_initial_metadata((("ahead", "1"),))
        for number in range(int(await anext(requests))):
            yield b"%d" % number
        yield Last(b"last")

    async def refuse(self, requests: AsyncIterator[bytes], context: Any) -> AsyncGenerator[bytes]:
        yield await anext(requests)
        await context.abort(grpc.StatusCode.NOT_FOUND, "nothing there", (("why", "because"),))

    async def fail(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        raise ValueError("a planted secret")

    async def hang(self, requests: AsyncIterator[bytes], context: Any) -> AsyncGenerator[bytes]:
        try:
            yield b"begun"
            await asyncio.Event().wait()
        finally:
            self.ended.put_nowait("broken off")

    async def flood(self, _: AsyncIterator[bytes], context: Any) -> AsyncGenerator[bytes]:
        task = running_task()
        try:
            yield LARGE
            self.stuck.put_nowait(task)
            while True:
                yield LARGE
        except asyncio.CancelledError:
            task.uncancel()
            await context.abort(grpc.StatusCode.UNAVAILABLE, "broken off")

    async def cut_short(self, _: AsyncIterator[bytes], context: Any) -> AsyncGenerator[bytes]:
        task = running_task()
        await context.send_initial_metadata((("ahead", "1"),))
        task.cancel()
        try:
            yield b"never sent"
        except asyncio.CancelledError:
            task.uncancel()
            await context.abort(grpc.StatusCode.UNAVAILABLE, "broken off")

    async def take_time(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        await asyncio.sleep(float(await anext(requests)))
        await context.send_initial_metadata((("ahead", "1"),))
        await self.may_answer.wait()
        return b"at last"

    async def say_nothing(self, _: AsyncIterator[bytes], __: Any) -> bytes:
        self.begun.set()
        try:
            await asyncio.Event().wait()
            return b""
        finally:
            self.ended.put_nowait("broken off")

    async def rely_on_others(self, _: AsyncIterator[bytes], __: Any) -> AsyncGenerator[bytes]:
        yield b"begun"
        theirs = asyncio.create_task(asyncio.Event().wait())
        theirs.cancel()
        await theirs

    def handlers(self) -> dict[str, grpc.RpcMethodHandler]:
        unary, stream = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        return {
            "One": unary(self.one),
            "Bare": unary(self.bare),
            "Fail": unary(self.fail),
            "TakeTime": unary(self.take_time),
            "SayNothing": unary(self.say_nothing),
            "Refuse": stream(self.refuse),
            "Hang": stream(self.hang),
            "Flood": stream(self.flood),
            "CutShort": stream(self.cut_short),
            "RelyOnOthers": stream(self.rely_on_others),
            "Many": stream(self.many, response_serializer=bytes),
        }


def described(names: list[str]) -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="plain.proto", package="plain")
    file.message_type.add(name="Any")
    service = file.service.add(name="Plain")
    for name in names:
        service.method.add(name=name, input_type=".plain.Any", output_type=".plain.Any")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool.FindServiceByName(SERVICE)


@asynccontextmanager
async def served(plain: Plain, make: Callable[[], grpc.aio.Server]) -> AsyncIterator[grpc.aio.Channel]:
    handlers, server = plain.handlers(), make()
    add_services(server, [described(list(handlers))], [grpc.method_handlers_generic_handler(SERVICE, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


SERVERS = pytest.mark.parametrize(
    "make", [lambda: sturdy_server((), ()), grpc.aio.server], ids=["the shortest way", "grpc.aio's own"]
)


@pytest.fixture
def plain() -> Plain:
    return Plain()


@SERVERS
async def test_one_answer_comes_with_the_metadata_ahead(make: Callable[[], grpc.aio.Server], plain: Plain) -> None:
    async with served(plain, make) as channel:
        call = channel.unary_unary(f"/{SERVICE}/One")(b"1")
        assert await call == b"of 1"
        assert dict(await call.initial_metadata()) == {"ahead": "1", "ahead-bin": b"\xff"}
        assert await channel.stream_unary(f"/{SERVICE}/Bare")(iter([b"1", b"2"])) == b"1,2"
        assert await channel.stream_unary(f"/{SERVICE}/Bare")(iter([])) == b""


@SERVERS
@pytest.mark.parametrize("seconds", [0, 0.05], ids=["given at once", "given late"])
async def test_metadata_go_ahead_of_an_answer_that_is_not_there(
    seconds: float, make: Callable[[], grpc.aio.Server], plain: Plain
) -> None:
    async with served(plain, make) as channel, asyncio.timeout(10):
        # Of a call with one answer, grpc.aio's client shows the metadata together with that.
        call = channel.unary_stream(f"/{SERVICE}/TakeTime")(b"%g" % seconds)
        assert dict(await call.initial_metadata()) == {"ahead": "1"}
        plain.may_answer.set()
        assert await call.read() == b"at last"


@SERVERS
@pytest.mark.parametrize("count", [0, 1, 100])
async def test_a_stream_keeps_its_order_to_the_last(
    count: int, make: Callable[[], grpc.aio.Server], plain: Plain
) -> None:
    async with served(plain, make) as channel:
        got = [message async for message in channel.unary_stream(f"/{SERVICE}/Many")(b"%d" % count)]
    assert got == [*(b"%d" % number for number in range(count)), b"last"]


@SERVERS
async def test_an_error_follows_what_was_sent_before_it(make: Callable[[], grpc.aio.Server], plain: Plain) -> None:
    async with served(plain, make) as channel:
        call = channel.unary_stream(f"/{SERVICE}/Refuse")(b"first")
        assert await call.read() == b"first"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call.read()
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.NOT_FOUND, "nothing there")
    assert dict(raised.value.trailing_metadata() or ()) == {"why": "because"}


async def test_a_fault_is_told_as_one_and_its_words_are_not(plain: Plain) -> None:
    async with served(plain, lambda: sturdy_server((), ())) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await channel.unary_unary(f"/{SERVICE}/Fail")(b"")
        assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.INTERNAL, "internal error")
        assert await channel.unary_unary(f"/{SERVICE}/One")(b"1") == b"of 1"


async def test_a_call_broken_off_while_a_message_goes_out_is_told_why_to_who_reads_on(plain: Plain) -> None:
    async with served(plain, lambda: sturdy_server((), ())) as channel, asyncio.timeout(10):
        call = channel.unary_stream(f"/{SERVICE}/Flood")(b"")
        assert await call.read() == LARGE
        (await plain.stuck.get()).cancel()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await read_on(call)
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.UNAVAILABLE, "broken off")


async def test_a_call_broken_off_while_its_metadata_go_out_is_told_why(plain: Plain) -> None:
    async with served(plain, lambda: sturdy_server((), ())) as channel, asyncio.timeout(10):
        call = channel.unary_stream(f"/{SERVICE}/CutShort")(b"")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call.read()
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.UNAVAILABLE, "broken off")
    assert dict(raised.value.initial_metadata()) == {"ahead": "1"}


async def test_a_call_whose_handler_waits_for_what_is_cancelled_does_not_go_on_for_ever(plain: Plain) -> None:
    async with served(plain, lambda: sturdy_server((), ())) as channel, asyncio.timeout(10):
        call = channel.unary_stream(f"/{SERVICE}/RelyOnOthers")(b"")
        assert await call.read() == b"begun"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call.read()
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.INTERNAL, "internal error")


@SERVERS
async def test_a_client_that_leaves_ends_its_call_alone(make: Callable[[], grpc.aio.Server], plain: Plain) -> None:
    async with served(plain, make) as channel:
        leaves, stays = (channel.unary_stream(f"/{SERVICE}/Hang")(b"") for _ in range(2))
        assert [await leaves.read(), await stays.read()] == [b"begun", b"begun"]
        leaves.cancel()
        async with asyncio.timeout(10):
            assert await plain.ended.get() == "broken off"
        assert plain.ended.empty()
        assert not stays.done()


@SERVERS
async def test_a_client_that_leaves_before_anything_is_sent_ends_its_call(
    make: Callable[[], grpc.aio.Server], plain: Plain
) -> None:
    async with served(plain, make) as channel:
        call = channel.unary_unary(f"/{SERVICE}/SayNothing")(b"")
        async with asyncio.timeout(10):
            await plain.begun.wait()
            call.cancel()
            assert await plain.ended.get() == "broken off"


@SERVERS
async def test_a_stop_breaks_off_what_still_runs(make: Callable[[], grpc.aio.Server], plain: Plain) -> None:
    async with served(plain, make) as channel:
        call = channel.unary_stream(f"/{SERVICE}/Hang")(b"")
        assert await call.read() == b"begun"
    async with asyncio.timeout(10):
        assert await plain.ended.get() == "broken off"


@SERVERS
async def test_a_method_nobody_serves_is_unimplemented(make: Callable[[], grpc.aio.Server], plain: Plain) -> None:
    async with served(plain, make) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await channel.unary_unary(f"/{SERVICE}/Other")(b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_handlers_of_messages_are_left_to_grpc() -> None:
    async def handle(_: object, __: object) -> bytes:
        return b""

    assert is_plain(grpc.stream_unary_rpc_method_handler(handle))
    assert not is_plain(grpc.unary_unary_rpc_method_handler(handle))
    assert not is_plain(grpc.stream_unary_rpc_method_handler(handle, request_deserializer=bytes.fromhex))
    assert not is_plain(grpc.stream_unary_rpc_method_handler(handle, response_serializer=bytes.hex))
