"""Where one request ends and the next begins, for those who would have two servers disagree about it.

Each request is followed by another in the same write. Either it is refused, and nothing that follows is looked at, or
it is read in the one way that RFC 9112 has, and what follows is a request of its own. What is refused for its form
alone is in tests/gateway/http_server/test_protocol_malformed.py.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from modelwire_gateway.exchange import Receive, Scope, Send
from modelwire_gateway.http_server import HttpServer
from support.asgi_apps import echo
from support.raw_http import connected

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /first HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
ENDS = b"0\r\n\r\n"


@dataclass
class Echo:
    """Tells what it gets, and remembers the paths."""

    server: HttpServer = field(init=False)
    paths: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        await echo(scope, receive, send)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served() -> AsyncIterator[Echo]:
    app = Echo()
    app.server = HttpServer(app, "127.0.0.1:0")
    await app.server.start()
    yield app
    await app.server.drain(0)


@pytest.fixture
def app(served: Echo) -> Echo:
    served.paths.clear()
    return served


def length(value: bytes, body: bytes = b"abc") -> bytes:
    return POST + b"Content-Length: " + value + b"\r\n\r\n" + body


def encoding(line: bytes) -> bytes:
    """A body in one chunk, with a line in the place of its Transfer-Encoding."""
    return POST + line + b"\r\n\r\n3\r\nabc\r\n" + ENDS


REFUSED: dict[str, bytes] = {
    # Two ways to tell the length
    "length and chunks, with a request between": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "chunks and a length of nothing": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + ENDS,
    "length and an encoding nobody knows": POST + b"Content-Length: 3\r\nTransfer-Encoding: x\r\n\r\nabc",
    "length and an empty encoding": POST + b"Content-Length: 3\r\nTransfer-Encoding:\r\n\r\nabc",
    # Encodings that only some take for chunked
    "chunked twice in a line": encoding(b"Transfer-Encoding: chunked, chunked"),
    "chunked twice": encoding(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    "chunked, then a list's end": encoding(b"Transfer-Encoding: chunked,"),
    "chunked with a parameter": encoding(b"Transfer-Encoding: chunked;q=1"),
    "chunked in quotes": encoding(b'Transfer-Encoding: "chunked"'),
    "chunked after a vertical tab": encoding(b"Transfer-Encoding: \x0bchunked"),
    "chunked and a NUL": encoding(b"Transfer-Encoding: chunked\0"),
    "chunked on a folded line": encoding(b"Transfer-Encoding:\r\n chunked"),
    "a name on a folded line": encoding(b"X: y\r\n Transfer-Encoding: chunked"),
    "a space before the colon": encoding(b"Transfer-Encoding : chunked"),
    "a tab before the colon": encoding(b"Transfer-Encoding\t: chunked"),
    "after a bare line feed": encoding(b"X: y\nTransfer-Encoding: chunked"),
    "after a bare carriage return": encoding(b"X: y\rTransfer-Encoding: chunked"),
    "chunked among others, not last": encoding(b"Transfer-Encoding: chunked, identity"),
    # Lengths that only some can read
    "negative": length(b"-3"),
    "negative nothing": length(b"-0", b""),
    "hexadecimal": length(b"0x3"),
    "with a fraction": length(b"3.0"),
    "with an exponent": length(b"3e0"),
    "two numbers": length(b"3 4"),
    "a number and a semicolon": length(b"3;"),
    "with a digit of another script": length("３".encode()),
    "with a separator": length(b"0_3"),
    "empty": length(b""),
    "beyond 64 bits": length(b"18446744073709551619"),
    "after a vertical tab": length(b"\x0b3"),
    "before a NUL": length(b"3\0"),
    "lengths that differ, the first right": POST + b"Content-Length: 3\r\nContent-Length: 38\r\n\r\nabc",
    "on a folded line": length(b"\r\n 3"),
    # Line ends and names
    "a bare carriage return in a value": POST + b"X: a\rContent-Length: 3\r\n\r\nabc",
    "two carriage returns": POST + b"X: a\r\r\nContent-Length: 0\r\n\r\n",
    "a line feed alone ends the head": POST + b"X: a\r\n\n" + SMUGGLED,
    "a line feed alone ends a line": POST + b"X: a\nContent-Length: 3\r\n\r\nabc",
    "a header without a colon": POST + b"Content-Length\r\n\r\n",
    "a header without a name": POST + b": 3\r\n\r\n",
    "a space within a name": POST + b"Content Length: 3\r\n\r\n",
    "a NUL within a name": POST + b"Content-Length\0: 3\r\n\r\n",
    "a first header after a space": b"POST /first HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n",
    # Chunks
    "size with a prefix": CHUNKED + b"0x3\r\nabc\r\n" + ENDS,
    "size with a sign": CHUNKED + b"+3\r\nabc\r\n" + ENDS,
    "size below zero": CHUNKED + b"-3\r\nabc\r\n" + ENDS,
    "size after a space": CHUNKED + b" 3\r\nabc\r\n" + ENDS,
    "size missing": CHUNKED + b"\r\nabc\r\n" + ENDS,
    "size beyond 64 bits": CHUNKED + b"10000000000000003\r\nabc\r\n" + ENDS,
    "size ended by a carriage return alone": CHUNKED + b"3\rabc\r\n" + ENDS,
    "an extension ended by a line feed": CHUNKED + b"3;x\nabc\r\n" + ENDS,
    "an extension with a carriage return in it": CHUNKED + b"3;a\rb\r\nabc\r\n" + ENDS,
    "an extension with a NUL in it": CHUNKED + b"3;a\0b\r\nabc\r\n" + ENDS,
    "a chunk ended by a line feed": CHUNKED + b"3\r\nabc\n" + ENDS,
    "a chunk shorter than its size": CHUNKED + b"5\r\nabc\r\n" + ENDS,
    "a last chunk ended by line feeds": CHUNKED + b"3\r\nabc\r\n0\n\n",
    "a trailer without a colon": CHUNKED + b"3\r\nabc\r\n0\r\nX\r\n\r\n",
    "a folded trailer": CHUNKED + b"3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n",
    "a trailer that looks like a length": CHUNKED + b"3\r\nabc\r\n0\r\nContent-Length: 34\r\n\r\n",
    "a trailer that looks like an encoding": CHUNKED + b"3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    # Request lines
    "spaces before the method": b" GET /first HTTP/1.1\r\nHost: a\r\n\r\n",
    "tabs": b"GET\t/first\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "more after the version": b"GET /first HTTP/1.1 x\r\nHost: a\r\n\r\n",
    "a version with more digits": b"GET /first HTTP/1.10\r\nHost: a\r\n\r\n",
    "a version in small letters": b"GET /first http/1.1\r\nHost: a\r\n\r\n",
    "another protocol": b"GET /first ICE/1.0\r\nHost: a\r\n\r\n",
    "a method in small letters": b"get /first HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method with a NUL": b"GE\0T /first HTTP/1.1\r\nHost: a\r\n\r\n",
    "a path with a NUL": b"GET /fi\0rst HTTP/1.1\r\nHost: a\r\n\r\n",
    "a path with a carriage return": b"GET /fi\rrst HTTP/1.1\r\nHost: a\r\n\r\n",
    "a host alone": b"GET first:80 HTTP/1.1\r\nHost: first:80\r\n\r\n",
    "HTTP/0.9": b"GET /first\r\n",
    "a WebSocket's frame": b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\r\n\r\n",
}
"""By what is wrong. Never served, nor anything after it."""

READ: dict[str, tuple[bytes, bytes]] = {
    "a request for a body": (length(b"%d" % len(SMUGGLED), SMUGGLED), SMUGGLED),
    "a request for a chunk": (CHUNKED + b"%x\r\n%s\r\n" % (len(SMUGGLED), SMUGGLED) + ENDS, SMUGGLED),
    "a body with GET": (b"GET /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    "a length of nothing": (length(b"0", b""), b""),
    "no length": (POST + b"\r\n", b""),
    "a length with zeros before": (length(b"0003"), b"abc"),
    "a length between blanks": (length(b" \t3 "), b"abc"),
    "a length in capitals": (POST + b"CONTENT-LENGTH: 3\r\n\r\nabc", b"abc"),
    "chunked in capitals": (encoding(b"TRANSFER-ENCODING: CHUNKED"), b"abc"),
    "chunked after a tab": (encoding(b"Transfer-Encoding:\tchunked"), b"abc"),
    "another header of a like name": (POST + b"Content_Length: 30\r\nTransfer_Encoding: chunked\r\n\r\n", b""),
    "a header that names another method": (POST + b"X-HTTP-Method-Override: DELETE\r\n\r\n", b""),
    "sizes with zeros before": (CHUNKED + b"0003\r\nabc\r\n000\r\n\r\n", b"abc"),
    "a size in capitals": (CHUNKED + b"A\r\nabcdefghij\r\n" + ENDS, b"abcdefghij"),
    "an extension that looks like a size": (CHUNKED + b"3;5\r\nabc\r\n" + ENDS, b"abc"),
    "an extension in quotes": (CHUNKED + b'3;a="b;c"\r\nabc\r\n' + ENDS, b"abc"),
    "trailers that are headers elsewhere": (
        CHUNKED + b"3\r\nabc\r\n0\r\nHost: b\r\nUpgrade: h2c\r\nExpect: 100-continue\r\n\r\n",
        b"abc",
    ),
    # RFC 9112, 3: recipients may take any number of blanks for one.
    "two spaces in the request line": (b"GET  /first HTTP/1.1\r\nHost: a\r\n\r\n", b""),
    "empty lines before": (b"\r\n\r\n" + length(b"3"), b"abc"),
    "an offer of HTTP/2": (
        POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        b"Content-Length: 24\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ),
}
"""By what is odd about it: a request, and the body that it has."""


@pytest.mark.parametrize("name", REFUSED)
async def test_what_can_be_read_in_two_ways_is_refused(name: str, app: Echo) -> None:
    async with connected(app.server.address) as client:
        await client.send(REFUSED[name] + NEXT)
        answer = await client.answer()
        assert answer.refuses(400), answer
        assert await client.rest() == b""
    assert not set(app.paths) & {"/smuggled", "/next"}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("at_once", [True, False], ids=["one write", "byte by byte"])
async def test_what_is_odd_is_read_in_the_one_right_way(name: str, at_once: bool, app: Echo) -> None:
    request, body = READ[name]
    sent = request + NEXT
    async with connected(app.server.address) as client:
        for piece in [sent] if at_once else [sent[at : at + 1] for at in range(len(sent))]:
            await client.send(piece)
            await asyncio.sleep(0)
        first, second = await client.answer(), await client.answer()
    assert (first.status, first.json["path"], first.json["body"].encode()) == (200, "/first", body)
    assert (second.status, second.json["path"]) == (200, "/next")
    assert app.paths == ["/first", "/next"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        # RFC 9112, 6.1: chunks are no part of HTTP/1.0, so that nobody knows what a proxy made of them.
        POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + ENDS,
        CHUNKED + b"3\r\nabc\r\n0\r\nConnection: close\r\n\r\n",
        POST + b"Connection: close\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Connection: keep-alive, close\r\nContent-Length: 3\r\n\r\nabc",
    ],
    ids=["chunks in HTTP/1.0", "a trailer says so", "a header says so", "a header says both"],
)
async def test_after_the_last_request_nothing_is_read(request_bytes: bytes, app: Echo) -> None:
    async with connected(app.server.address) as client:
        await client.send(request_bytes + NEXT)
        answer = await client.answer()
        assert (answer.status, answer.json["body"], answer.headers["connection"]) == (200, "abc", "close")
        assert await client.rest() == b""
    assert app.paths == ["/first"]


async def test_headers_of_trailers_are_nobodys(app: Echo) -> None:
    trailers = b"Authorization: Bearer x\r\nX-Goog-Api-Key: y\r\nCookie: z\r\n"
    async with connected(app.server.address) as client:
        await client.send(CHUNKED + b"3\r\nabc\r\n0\r\n" + trailers + b"\r\n" + NEXT)
        answers: list[Any] = [(await client.answer()).json for _ in range(2)]
    assert [set(answer["headers"]) for answer in answers] == [{"host", "transfer-encoding"}, {"host"}]


async def test_a_request_that_is_refused_late_leaves_none_behind(app: Echo) -> None:
    """The first is served, the second refused, and the third, which hides in the second, is not looked at."""
    async with connected(app.server.address) as client:
        await client.send(NEXT + POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + ENDS + SMUGGLED)
        assert (await client.answer()).json["path"] == "/next"
        assert (await client.answer()).refuses(400)
        assert await client.rest() == b""
    assert app.paths == ["/next"]
