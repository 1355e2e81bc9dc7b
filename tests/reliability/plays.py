"""What upstreams do that do not work: scripts for a connection, put together from few parts."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from functools import cache

from support.faulty_upstream import EVENTS, JSON, ending, event, whole_answer, works
from support.loopback import Peer, Script

Data = bytes | Callable[[bytes], bytes]
"""What is sent: bytes, or what makes them from the request."""
Ending = Callable[[Peer], Awaitable[None]]

OK = "HTTP/1.1 200 OK"
MODELS_LISTED = 1
"""The connections over which an upstream was asked for its models before."""


async def closes(_: Peer) -> None:
    """The connection is closed as soon as a script has ended."""


async def resets(peer: Peer) -> None:
    peer.reset()


async def stalls(peer: Peer) -> None:
    await peer.gone()


def sends(*data: Data, then: Ending = closes) -> Script:
    """Reads the request, sends something piece by piece, and then does what `then` says."""

    async def play(peer: Peer) -> None:
        request = await peer.request()
        for piece in data:
            await peer.write(as_bytes(piece, request))
        await then(peer)

    return play


def as_bytes(data: Data, request: bytes) -> bytes:
    return data if isinstance(data, bytes) else data(request)


def says(status: str, body: bytes = b"", *headers: str) -> Script:
    """Answers with a status, a body and its right length."""
    return sends(http(status, body, *headers))


def http(status: str, body: bytes, *headers: str) -> bytes:
    return head(f"HTTP/1.1 {status}", JSON, f"content-length: {len(body)}", "connection: close", *headers) + body


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode()


def ok(body: bytes, *headers: str) -> bytes:
    return http("200 OK", body, *headers)


def half_the_body(request: bytes) -> bytes:
    """A head that tells the right length, and half of the right body."""
    content_type, body = whole_answer(request)
    return head(OK, content_type, f"content-length: {len(body)}") + body[: len(body) // 2]


def half_the_json(request: bytes) -> bytes:
    """Half of the right body, in a length of its own."""
    content_type, body = whole_answer(request)
    half = body[: len(body) // 2]
    return head(OK, content_type, f"content-length: {len(half)}") + half


def length_off_by(difference: int) -> Data:
    """The right body, with a length that is not its own."""

    def data(request: bytes) -> bytes:
        content_type, body = whole_answer(request)
        return head(OK, content_type, f"content-length: {len(body) + difference}") + body

    return data


def chunked(*pieces: Data, ended: bool) -> Data:
    """A body in chunks; unless `ended`, the last chunk does not come."""

    def data(request: bytes) -> bytes:
        content_type, _ = whole_answer(request)
        made = [as_bytes(piece, request) for piece in pieces]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in made)
        return head(OK, content_type, "transfer-encoding: chunked") + body + (b"0\r\n\r\n" if ended else b"")

    return data


def garbled(request: bytes) -> bytes:
    """Half of the right body in a chunk, and what is none after it."""
    body = whole(request)
    return as_bytes(chunked(body[: len(body) // 2], ended=False), request) + b"zz\r\n"


def garbled_stream(request: bytes) -> bytes:
    """The first event in a chunk, and what is none after it."""
    return as_bytes(chunked(event(request, "Hel"), ended=False), request) + b"zz\r\n"


def whole(request: bytes) -> bytes:
    """The right body."""
    return whole_answer(request)[1]


def bytewise(request: bytes) -> bytes:
    """The right answer, each byte of it in a chunk of its own."""
    content_type, body = whole_answer(request)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    return head(OK, content_type, "transfer-encoding: chunked") + chunks + b"0\r\n\r\n"


def kept_alive(request: bytes) -> bytes:
    """The right answer, on a connection that is to be used again."""
    content_type, body = whole_answer(request)
    return head(OK, content_type, f"content-length: {len(body)}") + body


def zipped_spaces(count: int, start: Data = b"", content_type: str = JSON) -> Data:
    """A body with many spaces after its start, which zipped is a thousandth of that."""

    def data(request: bytes) -> bytes:
        packed = _zipped(as_bytes(start, request), count)
        return head(OK, content_type, "content-encoding: gzip", f"content-length: {len(packed)}") + packed

    return data


@cache
def _zipped(start: bytes, spaces: int) -> bytes:
    return gzip.compress(start + b" " * spaces, 1)


def events(*more: Data, first: bool = True) -> Data:
    """An event stream that ends with the connection: the event that says "Hel" if `first`, and whatever follows."""

    def data(request: bytes) -> bytes:
        started = head(OK, EVENTS, "connection: close") + (event(request, "Hel") if first else b"")
        return started + b"".join(as_bytes(piece, request) for piece in more)

    return data


def held_until(release: asyncio.Event) -> Script:
    """Streams a first event, and the end once it may."""

    async def play(peer: Peer) -> None:
        request = await peer.request()
        await peer.write(as_bytes(events(), request))
        await release.wait()
        await peer.write(ending(request))

    return play


def first(*faults: Script) -> Script:
    """Plays each fault on one connection, and works on those after."""

    async def play(peer: Peer) -> None:
        turn = peer.number - MODELS_LISTED
        await (faults[turn] if turn < len(faults) else works)(peer)

    return play
