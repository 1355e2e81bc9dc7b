import asyncio

import pytest
from modelwire_gateway.asgi import send_json
from modelwire_gateway.exchange import BrokenAnswerError, Receive, Scope, Send
from modelwire_gateway.http_server.protocol import HEADER_BYTES
from support.asgi_apps import Patient, Serve, echo
from support.raw_http import connected

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


# Ordinary requests


async def test_a_connection_serves_many_requests(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        for body in (b"a", b"b" * 300_000, b""):
            await client.send(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert (await client.answer()).json["body"] == body.decode()


async def test_a_chunked_body_is_one_body(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(CHUNKED + b"3\r\nabc\r\n2;extension=1\r\nde\r\n")
        await client.send(b"0\r\n\r\n")
        assert (await client.answer()).json["body"] == "abcde"


async def test_trailers_do_not_become_headers(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(CHUNKED + b"3\r\nabc\r\n0\r\nAuthorization: Bearer stolen\r\n\r\n")
        answer = await client.answer()
        assert answer.json["headers"] == {"host": "a", "transfer-encoding": "chunked"}
        await client.send(GET)
        assert (await client.answer()).status == 200


async def test_a_client_that_asks_is_told_to_continue(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert (await client.answer()).status == 100
        await client.send(b"abc")
        assert (await client.answer()).json["body"] == "abc"


async def test_the_answer_to_head_has_no_body(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await client.answer(to_head=True)
        assert int(answer.headers["content-length"]) > 0
        await client.send(GET)
        assert (await client.answer()).json["method"] == "GET"


async def test_http_1_0_is_answered_and_closed(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.answer()).status == 200
        assert await client.rest() == b""


async def test_http_1_0_gets_an_answer_of_unknown_length_without_chunks(serve: Serve) -> None:
    app = Patient(streams=True)
    app.go_on.set()
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
    assert body == b"firstlast"
    assert b"transfer-encoding" not in head.lower()
    assert b"connection: close" in head


async def test_http_1_0_is_told_the_length_of_an_answer_that_has_one(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = await client.answer()
    assert int(answer.headers["content-length"]) == len(answer.body)


# Answers the app breaks off


async def broken_off(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    raise BrokenAnswerError


@pytest.mark.parametrize(("version", "body"), [(b"1.1", b"5\r\nfirst\r\n"), (b"1.0", b"first")])
async def test_an_answer_broken_off_breaks_the_connection_quietly(
    serve: Serve, caplog: pytest.LogCaptureFixture, version: bytes, body: bytes
) -> None:
    server = await serve(broken_off)
    async with connected(server.address) as client:
        await client.send(b"GET / HTTP/%s\r\nHost: a\r\n\r\n" % version)
        assert (await client.rest()).partition(b"\r\n\r\n")[2] == body
    assert caplog.records == []


async def test_an_answer_whose_task_is_cancelled_while_nobody_reads_breaks_the_connection_quietly(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    writing: asyncio.Future[asyncio.Task[None]] = asyncio.get_running_loop().create_future()

    async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            sent = asyncio.ensure_future(send({"type": "http.response.body", "body": bytes(2**20), "more_body": True}))
            await asyncio.sleep(0)
            if not sent.done() and not writing.done():
                writing.set_result(_current_task())
            await sent

    server = await serve(endless)
    async with connected(server.address) as client:
        await client.send(GET)
        task = await writing
        task.cancel()
        assert not (await client.rest()).endswith(b"0\r\n\r\n")
    assert task.done()
    assert caplog.records == []


def _current_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def test_a_request_whose_task_is_cancelled_before_its_answer_breaks_the_connection_quietly(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def cancelled(_scope: Scope, _receive: Receive, _send: Send) -> None:
        _current_task().cancel()
        await asyncio.sleep(0)

    server = await serve(cancelled)
    async with connected(server.address) as client:
        await client.send(GET)
        assert await client.rest() == b""
    assert caplog.records == []


# Heads that are too large


def head_of(size: int) -> bytes:
    start = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
    return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"


async def test_a_head_may_be_as_large_as_the_limit(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        for _ in range(2):
            await client.send(head_of(HEADER_BYTES))
            assert (await client.answer()).status == 200


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(head_of(HEADER_BYTES + 1), id="a byte too many"),
        pytest.param(head_of(5 * 2**20), id="5 MB in one header"),
        pytest.param(GET[:-2] + b"X: y\r\n" * 900_000, id="5 MB in many headers"),
        pytest.param(b"GET /" + b"x" * 5 * 2**20, id="5 MB of path"),
    ],
)
async def test_a_head_past_the_limit_is_refused(serve: Serve, head: bytes) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        sending = asyncio.create_task(client.send(head))
        assert (await client.answer()).refuses(431)
        assert await client.rest() == b""
        await sending


@pytest.mark.parametrize(
    "framing",
    [
        pytest.param(b"0\r\n" + b"X: y\r\n" * 900_000, id="trailers"),
        pytest.param(b"0\r\nX: " + b"y" * 5 * 2**20, id="a trailer"),
        pytest.param(b"3;" + b"x" * 5 * 2**20, id="a chunk extension"),
    ],
)
async def test_framing_without_content_is_bounded_as_heads_are(serve: Serve, framing: bytes) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        sending = asyncio.create_task(client.send(CHUNKED + b"3\r\nabc\r\n" + framing))
        assert (await client.answer()).refuses(431)
        assert await client.rest() == b""
        await sending


# Requests that do not arrive

SOON = 0.2


async def test_a_head_that_stalls_is_cut_off(serve: Serve) -> None:
    server = await serve(echo, arrival_seconds=SOON)
    async with connected(server.address) as client:
        await client.send(GET[:-2])
        assert (await client.answer()).refuses(408)
        assert await client.rest() == b""


async def test_a_head_that_trickles_is_cut_off(serve: Serve) -> None:
    server = await serve(echo, arrival_seconds=SOON)
    async with connected(server.address) as client:
        answer = asyncio.create_task(client.answer())
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        while not answer.done():
            await client.send(b"x")
            await asyncio.wait([answer], timeout=SOON / 10)
        assert (await answer).refuses(408)


async def test_the_head_of_a_later_request_may_not_stall_either(serve: Serve) -> None:
    server = await serve(echo, arrival_seconds=SOON)
    async with connected(server.address) as client:
        await client.send(GET)
        assert (await client.answer()).status == 200
        await client.send(GET[:5])
        assert (await client.answer()).refuses(408)


async def test_a_connection_that_never_asks_is_closed_without_a_word(serve: Serve) -> None:
    server = await serve(echo, arrival_seconds=SOON)
    async with connected(server.address) as client:
        assert await client.rest() == b""


@pytest.mark.parametrize(
    "start", [POST + b"Content-Length: 10\r\n\r\n", POST + b"Content-Length: 10\r\n\r\nabc", CHUNKED + b"3\r\nabc\r\n"]
)
async def test_a_body_that_stalls_is_cut_off_and_its_request_told(serve: Serve, start: bytes) -> None:
    app = Patient()
    server = await serve(app, arrival_seconds=SOON)
    async with connected(server.address) as client:
        await client.send(start)
        assert (await client.answer()).refuses(408)
        assert await client.rest() == b""
        async with asyncio.timeout(1):
            await app.left.wait()


async def test_a_body_may_take_long_if_it_does_not_stall(serve: Serve) -> None:
    server = await serve(echo, arrival_seconds=1)
    async with connected(server.address) as client:
        await client.send(POST + b"Content-Length: 12\r\n\r\n")
        answer = asyncio.create_task(client.answer())
        for _ in range(12):
            await client.send(b"x")
            await asyncio.wait([answer], timeout=0.1)
        assert (await answer).json["body"] == "x" * 12


async def test_a_client_is_not_blamed_for_the_body_it_was_not_yet_asked_for(serve: Serve) -> None:
    may_read = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await may_read.wait()
        await echo(scope, receive, send)

    server = await serve(slow, arrival_seconds=0.5)
    async with connected(server.address) as client:
        await client.send(POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        answer = asyncio.create_task(client.answer())
        await asyncio.wait([answer], timeout=0.9)
        may_read.set()
        assert (await answer).status == 100
        await client.send(b"abc")
        assert (await client.answer()).json["body"] == "abc"


async def test_a_client_may_wait_for_the_answer_before_it_sends_on(serve: Serve) -> None:
    async def converse(_: Scope, receive: Receive, send: Send) -> None:
        said = [(await receive())["body"]]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": said[0], "more_body": True})
        said.append((await receive())["body"])
        await send({"type": "http.response.body", "body": said[1], "more_body": False})

    server = await serve(converse, arrival_seconds=SOON)
    async with connected(server.address) as client:
        await client.send(CHUNKED + b"1\r\na\r\n")
        assert (await client.answer(to_head=True)).status == 200
        assert await client.chunk() == b"a"
        rest = asyncio.create_task(client.chunk())
        await asyncio.wait([rest], timeout=3 * SOON)
        assert not rest.done()
        await client.send(b"1\r\nb\r\n0\r\n\r\n")
        assert await rest == b"b"


async def test_who_has_the_answer_may_not_leave_the_body_unfinished(serve: Serve) -> None:
    async def answer_early(_: Scope, __: Receive, send: Send) -> None:
        await send_json(send, 200, {})

    server = await serve(answer_early, arrival_seconds=SOON)
    async with connected(server.address) as client:
        await client.send(CHUNKED + b"1\r\na\r\n")
        assert (await client.answer()).status == 200
        assert await client.rest() == b""


async def test_neither_a_slow_answer_nor_idleness_is_the_clients_delay(serve: Serve) -> None:
    app = Patient()
    server = await serve(app, arrival_seconds=SOON)
    async with connected(server.address) as client:
        for _ in range(2):
            await client.send(GET)
            answer = asyncio.create_task(client.answer())
            await asyncio.wait([answer], timeout=2 * SOON)
            assert not answer.done()
            app.go_on.set()
            assert (await answer).status == 200
            app.go_on.clear()
            _, pending = await asyncio.wait([closing := asyncio.create_task(client.rest())], timeout=2 * SOON)
            assert pending
            closing.cancel()
