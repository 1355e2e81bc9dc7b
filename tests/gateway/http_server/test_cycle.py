"""Answers sent at once are those that ASGI's messages make; and what no head may hold is in none."""

import re

import pytest
from modelwire_gateway.exchange import Exchange, Message, Receive, Scope, Send
from modelwire_gateway.metadata import Headers
from support.asgi_apps import Serve
from support.raw_http import connected

LENGTH = (b"content-length", b"4")


async def in_messages(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def at_once(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send.answer_at_once(status, headers, body)  # type: ignore[attr-defined]


async def wire(serve: Serve, requests: bytes, answer: object, *said: object) -> bytes:
    """All that a client reads who sends `requests`, but for the date."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer(send, *said)  # type: ignore[operator]

    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(requests)
        client.end_output()
        return re.sub(rb"date: [^\r]+", b"date: then", await client.rest())


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        pytest.param(200, [LENGTH], b"body", id="with its length"),
        pytest.param(200, [(b"Content-Length", b"200000")], bytes(200_000), id="long"),
        pytest.param(200, [], b"body", id="without its length"),
        pytest.param(200, [], b"", id="empty"),
        pytest.param(200, [(b"transfer-encoding", b"Chunked"), LENGTH], b"body", id="in chunks"),
        pytest.param(413, [LENGTH, (b"connection", b"Close")], b"body", id="the last"),
        pytest.param(200, [LENGTH, (b"connection", b"x, close")], b"body", id="the last, in a list"),
        pytest.param(204, [], b"", id="no content"),
        pytest.param(304, [(b"etag", b'"x"')], b"", id="not modified"),
        pytest.param(599, [(b"X-Y", b""), (b"x-y", b"\t\xff"), LENGTH], b"body", id="odd, but fit"),
        pytest.param(200, [(b"content-length", b"5")], b"body", id="shorter than told"),
        pytest.param(200, [(b"content-length", b"four")], b"body", id="of no length"),
        pytest.param(200, [LENGTH, (b"x", b"a\r\nset-cookie: c")], b"body", id="two lines"),
    ],
)
async def test_an_answer_at_once_is_what_two_messages_make(
    serve: Serve, version: bytes, method: bytes, status: int, headers: Headers, body: bytes
) -> None:
    requests = b"%s / HTTP/%s\r\nHost: a\r\n\r\n" % (method, version) * 2
    long_way = await wire(serve, requests, in_messages, status, headers, body)
    short_way = await wire(serve, requests, at_once, status, headers, body)
    assert short_way == long_way


@pytest.mark.parametrize("answer", [in_messages, at_once])
async def test_no_more_is_sent_than_was_told(serve: Serve, answer: object) -> None:
    headers = [(b"content-length", b"3")]
    sent = await wire(serve, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2, answer, 200, headers, b"body")
    assert sent.partition(b"\r\n\r\n")[2] == b""


@pytest.mark.parametrize("answer", [in_messages, at_once])
@pytest.mark.parametrize(
    "header",
    [
        (b"x", b"a\r\nset-cookie: c"),
        (b"x", b"a\nset-cookie: c"),
        (b"x", b"a\rb"),
        (b"x", b"a\n"),
        (b"x", b"a\x00b"),
        (b"x", b"a\x7f"),
        (b"x\r\nset-cookie", b"c"),
        (b"x: y\r\nset-cookie", b"c"),
        (b"x y", b"c"),
        (b"x:", b"c"),
    ],
)
async def test_a_header_that_would_be_none_or_several_is_never_sent(
    serve: Serve, answer: object, header: tuple[bytes, bytes]
) -> None:
    for _ in range(2):  # what is remembered of names is none of these
        sent = await wire(serve, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer, 200, [LENGTH, header], b"body")
        assert sent == b""


async def test_whoever_wraps_send_sees_every_answer(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-marked", b"yes")]
            await send(message)

        wrapped = marked if scope["path"] == "/marked" else send
        await Exchange(scope, receive, wrapped).answer(200, [(b"x", b"y")], b"body")

    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(b"GET /marked HTTP/1.1\r\nHost: a\r\nX-Request-Id: 1\r\n\r\n")
        marked = await client.answer()
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: 1\r\n\r\n")
        plain = await client.answer()
    assert marked.headers.pop("x-marked") == "yes"
    for answer in (marked, plain):
        answer.headers.pop("date")
    assert marked == plain
