"""Reading a request, writing its answer, and the races of a client's leaving."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.exchange import CLIENT_LEFT, ClientLeftError, ClientWatch, Exchange, Message
from modelwire_gateway.requests.body import READ_AHEAD_BYTES
from modelwire_gateway.requests.bytes_in_flight import BytesInFlight
from support.asgi_calls import AsgiCall
from support.raw_http import PATIENCE


@pytest.fixture(autouse=True)
async def nothing_is_left_running() -> AsyncIterator[None]:
    """No task outlives a test by more than its own end, and none ends with an error that nobody takes."""
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    before = asyncio.all_tasks()
    yield
    if left := asyncio.all_tasks() - before - {asyncio.current_task()}:
        _, running = await asyncio.wait(left, timeout=1)
        assert not running
    assert complaints == []


def exchange_of(call: AsgiCall) -> Exchange:
    return Exchange(call.scope, call.receive, call.send)


async def read(exchange: Exchange) -> Exchange:
    await exchange.body(10, BytesInFlight(1_000))
    return exchange


@pytest.mark.parametrize(
    ("scope", "raw_path"),
    [
        ({"raw_path": b"/a%2Fb"}, b"/a%2Fb"),
        ({"raw_path": None, "path": "/a b/\u00fc%2F:go"}, b"/a%20b/%C3%BC%252F:go"),
    ],
)
def test_the_path_is_the_undecoded_one(scope: dict[str, Any], raw_path: bytes) -> None:
    call = AsgiCall("GET", "/")
    call.scope.update(scope)
    assert exchange_of(call).raw_path == raw_path


@pytest.mark.parametrize(
    ("seconds", "size", "arrives"), [(59, 1, True), (62, 1, False), (600, 1024, True), (600, 500, False)]
)
async def test_a_body_that_comes_in_drips(seconds: float, size: int, arrives: bool) -> None:
    """Each second a drip of so many bytes; it is a minute that goes for nothing."""
    drips = [{"type": "http.request", "body": b"x" * size, "more_body": True}] * int(seconds)
    messages = iter([*drips, {"type": "http.request", "body": b"", "more_body": False}])
    now = count()

    async def receive() -> Message:
        return next(messages)

    call = AsgiCall("POST", "/")
    body = Exchange(call.scope, receive, call.send).body(2**30, BytesInFlight(2**30), lambda: float(next(now)))
    if arrives:
        assert len(await body) == size * seconds
    else:
        with pytest.raises(RpcFailure, match="less than 1024 bytes a second") as raised:
            await body
        assert (raised.value.http_status, raised.value.headers) == (408, (("connection", "close"),))


@pytest.mark.parametrize("headers", [[], [("content-length", "11")]])
async def test_a_body_over_the_limit(headers: list[tuple[str, str]]) -> None:
    exchange = exchange_of(AsgiCall("POST", "/", body=b"x" * 11, headers=headers))
    with pytest.raises(RpcFailure, match="larger than 10 bytes") as raised:
        await exchange.body(10, BytesInFlight(1_000))
    assert (raised.value.http_status, raised.value.headers) == (413, (("connection", "close"),))


@pytest.mark.parametrize(("version", "told"), [("1.0", "close"), ("1.1", "close"), ("2", None), ("3", None)])
async def test_what_concerns_the_connection_is_said_where_it_may_be(version: str, told: str | None) -> None:
    call = AsgiCall("GET", "/", http_version=version)
    await exchange_of(call).answer(413, [(b"connection", b"close")], b"")
    assert call.headers.get("connection") == told


async def test_a_body_at_the_limit() -> None:
    assert await exchange_of(AsgiCall("POST", "/", body=b"x" * 10)).body(10, BytesInFlight(1_000)) == b"x" * 10


async def test_leaving_while_the_body_is_read() -> None:
    call = AsgiCall("POST", "/")
    await call.receive()
    call.leave()
    with pytest.raises(ClientLeftError):
        await exchange_of(call).body(10, BytesInFlight(1_000))


@pytest.mark.parametrize(
    ("te", "trailers"),
    [("trailers", {"a": "b"}), ("deflate, Trailers;q=0.5", {"a": "b"}), ("deflate", None), ("trailersome", None)],
)
async def test_trailers_go_to_those_who_want_them(te: str, trailers: dict[str, str] | None) -> None:
    call = AsgiCall("GET", "/", headers=[("te", te)], offers_trailers=True)
    await exchange_of(call).answer(200, [], b"x", [(b"a", b"b")])
    assert (call.trailers, call.body) == (trailers, b"x")
    assert ("content-length" in call.headers) is (trailers is None)


async def test_trailers_are_never_sent_where_the_server_has_none() -> None:
    call = AsgiCall("GET", "/", headers=[("te", "trailers")])
    await exchange_of(call).answer(200, [], b"x", [(b"a", b"b")])
    assert call.trailers is None
    assert "trailers" not in call.sent[0]


async def test_a_server_that_cannot_write_means_that_the_client_left() -> None:
    async def broken(_: Message) -> None:
        raise ConnectionResetError

    call = AsgiCall("GET", "/")
    with pytest.raises(ClientLeftError):
        await Exchange(call.scope, call.receive, broken).answer(200, [], b"x")


async def test_leaving_cancels_what_is_being_done() -> None:
    call = AsgiCall("GET", "/")
    exchange = await read(exchange_of(call))
    call.leave()
    with pytest.raises(ClientLeftError):
        async with ClientWatch(exchange):
            await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@pytest.mark.parametrize("outcome", [ValueError(), None])
async def test_leaving_counts_whatever_became_of_the_cancellation(outcome: Exception | None) -> None:
    call = AsgiCall("GET", "/")
    exchange = await read(exchange_of(call))
    call.leave()

    async def stubborn() -> None:
        async with ClientWatch(exchange):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            if outcome:
                raise outcome

    with pytest.raises(ClientLeftError):
        await stubborn()


async def test_leaving_with_the_end_of_the_answer_disturbs_nothing() -> None:
    """As servers do, the client is told to be gone as soon as it has its answer."""
    call = AsgiCall("GET", "/")
    exchange = await read(exchange_of(call))
    cleaned_up = False
    async with ClientWatch(exchange):
        await asyncio.sleep(0)
        await exchange.answer(200, [], b"x")
        call.leave()
        for _ in range(5):
            await asyncio.sleep(0)
        cleaned_up = True
    assert cleaned_up


async def test_a_cancellation_from_outside_stays_one() -> None:
    exchange = await read(exchange_of(AsgiCall("GET", "/")))
    watching = asyncio.Event()

    async def watched() -> None:
        async with ClientWatch(exchange):
            watching.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(watched())
    await watching.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_outside_goes_before_the_leaving() -> None:
    call = AsgiCall("GET", "/")
    exchange = await read(exchange_of(call))
    watching = asyncio.Event()

    async def watched() -> None:
        async with ClientWatch(exchange):
            watching.set()
            try:
                await asyncio.Event().wait()
            finally:
                task.cancel()
                await asyncio.sleep(0)

    task = asyncio.create_task(watched())
    await watching.wait()
    call.leave()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_client_that_leaves_is_missed_though_there_is_no_room_for_what_it_sent() -> None:
    left = asyncio.get_running_loop().create_future()
    exchange = streaming_too_much(left)
    asyncio.get_running_loop().call_later(0.01, left.set_result, None)
    with pytest.raises(ClientLeftError):
        async with ClientWatch(exchange):
            await asyncio.wait_for(asyncio.Event().wait(), PATIENCE)


async def test_a_connection_keeps_nothing_of_the_uploads_it_has_brought() -> None:
    left = asyncio.get_running_loop().create_future()
    exchange = streaming_too_much(left)
    body = weakref.ref(exchange.streamed_body())
    async with ClientWatch(exchange):
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    del exchange
    gc.collect()
    assert body() is None


def streaming_too_much(left: asyncio.Future[None]) -> Exchange:
    """An exchange whose client sends more than is read ahead, and then leaves, which `left` tells."""

    async def receive() -> Message:
        if left.done():
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"x" * READ_AHEAD_BYTES, "more_body": True}

    call = AsgiCall("POST", "/", extensions={CLIENT_LEFT: {"future": left}})
    exchange = Exchange(call.scope, receive, call.send)
    exchange.streamed_body()
    return exchange


async def test_an_error_of_the_block_is_its_own() -> None:
    exchange = await read(exchange_of(AsgiCall("GET", "/")))
    with pytest.raises(ValueError, match="mine"):
        async with ClientWatch(exchange):
            raise ValueError("mine")


async def test_a_server_that_tells_of_leaving_is_not_asked() -> None:
    left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    call = AsgiCall("POST", "/", extensions={CLIENT_LEFT: {"future": left}})
    exchange = exchange_of(call)
    await exchange.body(10, BytesInFlight(1_000))
    asyncio.get_running_loop().call_soon(left.set_result, None)
    with pytest.raises(ClientLeftError):
        async with ClientWatch(exchange):
            await asyncio.Event().wait()


async def test_leaving_after_the_block_is_nobodys_business() -> None:
    left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    call = AsgiCall("POST", "/", extensions={CLIENT_LEFT: {"future": left}})
    async with ClientWatch(exchange_of(call)):
        pass
    left.set_result(None)
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
