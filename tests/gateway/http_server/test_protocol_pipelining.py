"""Clients that leave, that send ahead, and that send on after the answer."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import pytest
from modelwire_gateway.asgi import send_json
from modelwire_gateway.exchange import Receive, Scope, Send
from modelwire_gateway.http_server.hangup_watch import HangUpWatch
from modelwire_gateway.http_server.protocol import EdgeProtocol
from support.asgi_apps import Patient, Serve, echo
from support.raw_http import RawClient, connected
from uvicorn.config import Config
from uvicorn.server import ServerState

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def get(path: int | str) -> bytes:
    return b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % str(path).encode()


def post(body: bytes) -> bytes:
    return POST + b"Content-Length: %d\r\n\r\n" % len(body) + body


# Leaving

AHEAD = [
    pytest.param([], id="nothing"),
    pytest.param([GET], id="a request"),
    pytest.param([GET + GET, GET], id="requests"),
    pytest.param([GET[:10]], id="half a head"),
    pytest.param([POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 70_000], id="half a body"),
    pytest.param([b"nonsense\r\n\r\n"], id="nonsense"),
    pytest.param([post(b"x" * 3_000_000)], id="more than is held"),
]


@pytest.mark.parametrize("leave", [RawClient.hang_up, RawClient.reset])
@pytest.mark.parametrize("streams", [False, True], ids=["unanswered", "streaming"])
@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize("at_once", [True, False], ids=["one write", "a write each"])
async def test_leaving_is_noticed_whatever_was_sent_ahead(
    serve: Serve, leave: Callable[[RawClient], None], streams: bool, ahead: list[bytes], at_once: bool
) -> None:
    app = Patient(streams=streams)
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(GET + (b"".join(ahead) if at_once else b""))
        await app.entered.wait()
        for data in [] if at_once else ahead:
            await client.send(data)
        leave(client)
        async with asyncio.timeout(1):
            await app.left.wait()


async def test_leaving_is_noticed_in_the_middle_of_a_body(serve: Serve) -> None:
    app = Patient()
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 200_000)
        await app.entered.wait()
        client.hang_up()
        async with asyncio.timeout(1):
            await app.left.wait()


@pytest.mark.parametrize("leave", [RawClient.end_output, RawClient.hang_up, RawClient.reset])
async def test_leaving_is_noticed_by_an_app_that_cannot_write(serve: Serve, leave: Callable[[RawClient], None]) -> None:
    full, left = asyncio.Event(), asyncio.Event()

    async def pouring(_scope: Scope, receive: Receive, send: Send) -> None:
        chunk = {"type": "http.response.body", "body": b"x" * 20_000_000, "more_body": True}
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(chunk)
        full.set()
        await send(chunk)  # waits until the first has gone out, which is when the client reads it, or leaves
        assert (await receive())["type"] == "http.disconnect"
        left.set()

    server = await serve(pouring)
    async with connected(server.address) as client:
        await client.send(GET)
        await full.wait()
        leave(client)
        async with asyncio.timeout(1):
            await left.wait()


# Sending ahead


async def test_requests_sent_ahead_are_answered_in_turn(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(get(1) + post(b"two") + CHUNKED + b"5\r\nthree\r\n0\r\n\r\n" + get(4))
        answers = [(await client.answer()).json for _ in range(4)]
    assert [(answer["method"], answer["path"], answer["body"]) for answer in answers] == [
        ("GET", "/1", ""),
        ("POST", "/", "two"),
        ("POST", "/", "three"),
        ("GET", "/4", ""),
    ]


async def test_what_is_sent_ahead_in_pieces_is_answered_after_the_answer_due(serve: Serve) -> None:
    app = Patient()
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(get(1))
        await app.entered.wait()
        second = POST.replace(b"/", b"/2", 1) + b"Content-Length: 100000\r\n\r\n"
        for piece in (second[:9], second[9:] + b"x" * 70_000, b"x" * 30_000 + get(3)[:5], get(3)[5:]):
            await client.send(piece)
            await asyncio.sleep(0)
        app.go_on.set()
        assert [(await client.answer()).json["path"] for _ in range(3)] == ["/1", "/2", "/3"]


async def test_a_body_sent_ahead_in_part_is_awaited_once_its_turn_has_come(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(get(1) + POST + b"Content-Length: 6\r\n\r\nabc")
        assert (await client.answer()).json["path"] == "/1"
        await client.send(b"def")
        assert (await client.answer()).json["body"] == "abcdef"


async def test_a_body_sent_ahead_in_part_is_not_late_before_its_turn(serve: Serve) -> None:
    app = Patient()
    server = await serve(app, arrival_seconds=0.5)
    async with connected(server.address) as client:
        await client.send(get(1) + b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        answer = asyncio.create_task(client.answer())
        await asyncio.wait([answer], timeout=1.3)
        app.go_on.set()
        assert (await answer).json == {"path": "/1"}
        await client.send(b"def")
        assert (await client.answer()).json == {"path": "/2"}


async def test_too_many_bytes_sent_ahead_are_refused_after_the_answer_due(serve: Serve) -> None:
    app = Patient()
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(get(1))
        await app.entered.wait()
        await client.send(post(b"x" * 20_000_000))  # more than the kernel's buffers take, so most of it is read
        app.go_on.set()
        assert (await client.answer()).json == {"path": "/1"}
        assert (await client.answer()).refuses(429)
        assert await client.rest() == b""


async def test_too_many_requests_sent_ahead_are_refused_after_the_answers_due(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(b"".join(get(number) for number in range(1000)))
        answers = 0
        while (answer := await client.answer()).status == 200:
            assert answer.json["path"] == f"/{answers}"
            answers += 1
        assert answer.refuses(429)
        assert await client.rest() == b""
    assert answers > 100


@pytest.mark.parametrize("malformed", [b"nonsense\r\n\r\n", CHUNKED + b"zz\r\n"])
async def test_a_malformed_request_sent_ahead_is_refused_in_its_turn(serve: Serve, malformed: bytes) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(get(1) + get(2) + malformed + get(3))
        assert [(await client.answer()).json["path"] for _ in range(2)] == ["/1", "/2"]
        assert (await client.answer()).refuses(400)
        assert await client.rest() == b""


async def test_what_follows_a_request_that_closes_is_not_served(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(b"GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get(2))
        assert (await client.answer()).json["path"] == "/1"
        assert await client.rest() == b""


# Answers before the request has arrived


async def answer_early(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers without reading the body, and closes if the path says so."""
    close = [(b"connection", b"close")] if scope["path"] == "/close" else []
    await send_json(send, 413, {}, close)


async def test_an_answer_that_closes_reaches_a_client_still_sending(serve: Serve) -> None:
    server = await serve(answer_early)
    async with connected(server.address) as client:
        sending = asyncio.create_task(
            client.send(b"POST /close HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n")
        )
        assert (await client.answer()).status == 413
        await sending
        await client.send(b"x" * 30_000_000)
        assert await client.rest() == b""


async def test_the_rest_of_a_body_answered_early_is_dropped(serve: Serve) -> None:
    server = await serve(answer_early)
    async with connected(server.address) as client:
        for _ in range(2):
            await client.send(POST + b"Content-Length: 3000000\r\n\r\n")
            assert (await client.answer()).status == 413
            await client.send(b"x" * 3_000_000)


async def test_the_rest_of_a_body_answered_early_must_arrive_too(serve: Serve) -> None:
    server = await serve(answer_early, arrival_seconds=0.2)
    async with connected(server.address) as client:
        await client.send(POST + b"Content-Length: 1000000\r\n\r\n")
        assert (await client.answer()).status == 413
        rest = asyncio.create_task(client.rest())
        while not rest.done():
            await client.send(b"x")
            await asyncio.wait([rest], timeout=0.02)
        assert await rest == b""


async def test_a_connection_left_idle_by_such_a_body_is_closed() -> None:
    config = Config(answer_early, lifespan="off", interface="asgi3", log_config=None, timeout_keep_alive=1)
    loop = asyncio.get_running_loop()
    with contextlib.closing(HangUpWatch(loop)) as hang_ups:
        protocol = partial(EdgeProtocol, config, ServerState(), {}, hang_ups=hang_ups)
        server = await loop.create_server(protocol, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        async with server, connected(f"{host}:{port}") as client:
            await client.send(POST + b"Content-Length: 3\r\n\r\n")
            assert (await client.answer()).status == 413
            await client.send(b"abc")
            assert await client.rest() == b""
