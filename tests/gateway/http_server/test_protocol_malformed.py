"""Requests that are malformed or ambiguous, or want another protocol."""

import asyncio

import pytest
from modelwire_gateway.exchange import Receive, Scope, Send
from support.asgi_apps import Patient, Serve, echo
from support.raw_http import connected

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"nonsense\r\n\r\n", id="no request line"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="unknown version"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", id="HTTP/2 as text"),
        pytest.param(b"GET /\r\n\r\n", id="no version"),
        pytest.param(b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", id="HTTP/0.9"),
        pytest.param(b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", id="space in the path"),
        pytest.param("GET /ä HTTP/1.1\r\nHost: a\r\n\r\n".encode(), id="path not ASCII"),
        pytest.param(b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", id="no path"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", id="bare line feeds"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", id="folded header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", id="NUL in a header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", id="space before the colon"),
        pytest.param(POST + b"Content-Length: +3\r\n\r\nabc", id="signed length"),
        pytest.param(POST + b"Content-Length: 3, 3\r\n\r\nabc", id="list of lengths"),
        pytest.param(POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", id="two lengths"),
        pytest.param(POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", id="the same length twice"),
        pytest.param(
            POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length, then encoding"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", id="encoding, then length"
        ),
        pytest.param(POST + b"Transfer-Encoding: identity\r\n\r\nabc", id="encoding without chunks"),
        pytest.param(POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="encoding like chunked"),
        pytest.param(POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", id="chunked not last"),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", id="two encodings"
        ),
        pytest.param(CHUNKED + b"zz\r\nabc\r\n", id="chunk size not a number"),
        pytest.param(CHUNKED + b"3\nabc\r\n0\r\n\r\n", id="chunk size ended by a line feed"),
        pytest.param(CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n", id="chunk larger than its size"),
    ],
)
async def test_malformed_requests_are_refused_in_json(serve: Serve, request_bytes: bytes) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(request_bytes)
        answer = await client.answer()
        assert answer.refuses(400)
        assert answer.json["error"] == {
            "code": 400,
            "status": "INVALID_ARGUMENT",
            "message": "the request is not well-formed HTTP/1.1",
            "type": "invalid_request_error",
            "param": None,
            "details": [],
        }
        assert await client.rest() == b""


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"HEAD / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400, id="malformed header"),
        pytest.param(b"HEAD /%s HTTP/1.1\r\n" % (b"a" * 2**16), 431, id="head too large"),
        pytest.param(b"HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", 400, id="in its body"),
    ],
)
async def test_what_refuses_head_has_no_body(serve: Serve, request_bytes: bytes, status: int) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(request_bytes)
        answer = await client.answer(to_head=True)
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert await client.rest() == b""


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="missing"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: a\r\n\r\n", id="twice"),
        pytest.param(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", id="twice in HTTP/1.0"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", id="list"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: http://a/\r\n\r\n", id="URL"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", id="user"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", id="port not a number"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", id="IPv6 without brackets"),
        pytest.param("GET / HTTP/1.1\r\nHost: ä\r\n\r\n".encode(), id="not ASCII"),
        pytest.param(b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", id="not that of the URL"),
        pytest.param(b"GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", id="without the port of the URL"),
    ],
)
async def test_a_request_names_one_host(serve: Serve, request_bytes: bytes) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(request_bytes)
        answer = await client.answer()
        assert answer.refuses(400)
        assert "one Host header" in answer.json["error"]["message"]
        assert await client.rest() == b""


@pytest.mark.parametrize("host", ["", "a.example", "a_b:8080", "127.0.0.1:80", "[::1]", "[::1]:8080", "a:", "%2Frun"])
async def test_hosts_of_every_form_are_served(serve: Serve, host: str) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = await client.answer()
    assert (answer.status, answer.json["headers"]["host"]) == (200, host)


async def test_a_body_that_turns_out_malformed_ends_its_request(serve: Serve) -> None:
    app = Patient()
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(CHUNKED + b"3\r\nabc\r\n")
        await app.entered.wait()
        await client.send(b"zz\r\n")
        assert (await client.answer()).refuses(400)
        async with asyncio.timeout(1):
            await app.left.wait()


async def test_a_body_that_turns_out_malformed_is_not_asked_for(serve: Serve) -> None:
    may_read = asyncio.Event()
    received = asyncio.get_running_loop().create_future()

    async def slow(_scope: Scope, receive: Receive, _send: Send) -> None:
        await may_read.wait()
        received.set_result(await receive())

    server = await serve(slow)
    async with connected(server.address) as client:
        await client.send(CHUNKED[:-2] + b"Expect: 100-continue\r\n\r\nzz\r\n")
        assert (await client.answer()).refuses(400)
        may_read.set()
        async with asyncio.timeout(1):
            assert await received == {"type": "http.disconnect"}


async def test_a_body_that_turns_out_malformed_breaks_the_answer_under_way(serve: Serve) -> None:
    app = Patient(streams=True)
    server = await serve(app)
    async with connected(server.address) as client:
        await client.send(CHUNKED + b"3\r\nabc\r\n")
        await app.entered.wait()
        await client.send(b"zz\r\n")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await client.answer()
        async with asyncio.timeout(1):
            await app.left.wait()


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
@pytest.mark.parametrize("at_once", [True, False], ids=["one write", "a write each"])
async def test_an_offer_to_upgrade_is_ignored_and_the_body_kept(serve: Serve, protocol: bytes, at_once: bool) -> None:
    server = await serve(echo)
    head = POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + protocol + b"\r\nContent-Length: "
    body = GET + b"smuggled"
    async with connected(server.address) as client:
        pieces = [head + b"%d\r\n\r\n" % len(body), body]
        for piece in [b"".join(pieces)] if at_once else pieces:
            await client.send(piece)
            await asyncio.sleep(0)
        answer = await client.answer()
        assert (answer.status, answer.json["body"].encode()) == (200, body)
        assert "upgrade" not in answer.json["headers"]
        await client.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer()).json["path"] == "/next"


OFFER = b"Upgrade: h2c\r\nConnection: Upgrade, close\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "body"),
    [
        pytest.param(GET[:-2] + OFFER + b"\r\n", "", id="no body"),
        pytest.param(b"GET / HTTP/1.0\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "", id="HTTP/1.0"),
        pytest.param(POST + OFFER + b"Content-Length: 3\r\n\r\nabc", "abc", id="length"),
        pytest.param(CHUNKED[:-2] + OFFER + b"\r\n3\r\nabc\r\n0\r\n\r\n", "abc", id="chunks"),
    ],
)
async def test_an_offer_to_upgrade_on_a_last_request_is_ignored(serve: Serve, request_bytes: bytes, body: str) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(request_bytes)
        answer = await client.answer()
        assert (answer.status, answer.json["body"], answer.headers["connection"]) == (200, body, "close")
        assert await client.rest() == b""


async def test_no_tunnels_are_opened(serve: Serve) -> None:
    server = await serve(echo)
    async with connected(server.address) as client:
        await client.send(b"CONNECT elsewhere:443 HTTP/1.1\r\n\r\n" + GET)
        assert (await client.answer()).refuses(501)
        assert await client.rest() == b""
