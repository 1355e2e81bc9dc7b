"""HTTP/2 frames (RFC 9113) that carry calls of gRPC, and those that only look like it."""

from collections.abc import Sequence
from random import Random
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _PRIORITY, _RST_STREAM, _SETTINGS, _PUSH, _PING, _GOAWAY, _WINDOW, _CONTINUATION = range(10)
_END_STREAM: Final = 0x1
_END_HEADERS: Final = 0x4

Fields = Sequence[tuple[bytes, bytes]]

_ODD_FIELDS: Final = (
    (b"content-type", b"application/json"),
    (b"content-type", b"application/grpc-web+proto"),
    (b"content-type", b""),
    (b"te", b"gzip"),
    (b"connection", b"close"),
    (b"transfer-encoding", b"chunked"),
    (b"content-length", b"-1"),
    (b"host", b"elsewhere"),
    (b":authority", b"elsewhere"),
    (b":path", b"/another"),
    (b":unknown", b"x"),
    (b"Upper-Case", b"x"),
    (b"x y", b"x"),
    (b"", b"x"),
    (b"x\r\ny", b"z"),
    (b"x", b"a\r\nb: c"),
    (b"x", b"a\0b"),
    (b"x", b"\xff\xfe"),
    (b"x-bin", b"not base64!"),
    (b"x", b"y" * 20_000),
    (b"grpc-timeout", b"-1S"),
    (b"grpc-timeout", b"99999999999H"),
    (b"grpc-encoding", b"nonsense"),
    (b"grpc-encoding", b"gzip"),
    (b"grpc-status", b"0"),
    (b"authorization", b"Bearer x"),
    (b"authorization", b"Bearer y"),
    (b"x-goog-api-key", b"z"),
    (b"x-request-id", b"\x1b[2J"),
)


def fields_of(path: str) -> list[tuple[bytes, bytes]]:
    """The headers of a call in order."""
    return [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ]


def hpack(fields: Fields) -> bytes:
    """Headers as literals without indexing and without Huffman's code (RFC 7541, section 6.2.2)."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, written = len(text) - 127, b"\x7f"
    while rest >= 128:
        written += bytes([rest % 128 + 128])
        rest //= 128
    return written + bytes([rest]) + text


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def message(wire: bytes, *, compressed: int = 0, length: int | None = None) -> bytes:
    """A message of gRPC's, whose length and flag may be wrong."""
    return bytes([compressed]) + (len(wire) if length is None else length).to_bytes(4, "big") + wire


def conversation(path: str, wire: bytes, random: Random) -> bytes:
    """All that a client sends: a preface, settings and a call or two with something odd about them."""
    sent = PREFACE + frame(_SETTINGS, 0, 0, b"")
    for stream in (1, 3):
        fields = fields_of(path)
        for _ in range(random.choice((0, 1, 1, 3))):
            fields.insert(random.randint(0, len(fields)), random.choice(_ODD_FIELDS))
        if random.random() < 0.2:
            del fields[random.randrange(len(fields))]
        sent += frame(_HEADERS, random.choice((_END_HEADERS, _END_HEADERS, 0, 0x25)), stream, hpack(fields))
        odd = random.choice((None, None, 0, 1, len(wire) + 5, 2**32 - 1))
        body = message(wire, compressed=random.choice((0, 0, 0, 1, 255)), length=odd)
        sent += frame(_DATA, random.choice((_END_STREAM, _END_STREAM, 0, 0x8)), stream, body)
        if random.random() < 0.3:
            sent += _odd_frame(random)
    return sent


def _odd_frame(random: Random) -> bytes:
    kind, stream = random.choice((*range(10), 11, 255)), random.choice((0, 1, 2, 3, 5, 2**31 - 1, 2**32 - 1))
    payload = random.randbytes(random.choice((0, 1, 4, 8, 6, 30)))
    return frame(kind, random.randrange(256), stream, payload) * random.choice((1, 1, 1, 100))
