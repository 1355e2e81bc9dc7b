"""A request before it is bytes, and the bytes it becomes."""

from dataclasses import dataclass
from random import Random
from typing import Final

Header = tuple[bytes, bytes]

HOST: Final[Header] = (b"host", b"localhost")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `target` is what stands between method and version; `headers` lack what tells the body's length."""

    method: bytes
    target: bytes
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    chunked: bool = False
    version: bytes = b"HTTP/1.1"
    uncertain: bool = False
    """Whether parsers may differ about where it ends, or whether it is one."""


def encoded(request: Request, random: Random) -> bytes:
    """The bytes of a request: with its length told, or in chunks of random sizes."""
    headers = [HOST, *request.headers]
    if request.chunked:
        headers.append((b"transfer-encoding", b"chunked"))
        body = _in_chunks(request.body, random)
    else:
        if request.body or request.method not in (b"GET", b"HEAD"):
            headers.append((b"content-length", b"%d" % len(request.body)))
        body = request.body
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"%s %s %s\r\n%s\r\n%s" % (request.method, request.target, request.version, lines, body)


def _in_chunks(body: bytes, random: Random) -> bytes:
    sizes = (1, 7, 500) if len(body) < 2000 else (4096, 100_000)
    chunks, rest = [], body
    while rest:
        piece, rest = rest[: (size := random.choice(sizes))], rest[size:]
        chunks.append(b"%x%s\r\n%s\r\n" % (len(piece), random.choice((b"", b";a=b")), piece))
    return b"".join(chunks) + b"0\r\n" + random.choice((b"", b"x-trailer: 1\r\n")) + b"\r\n"
