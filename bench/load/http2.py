"""gRPC calls over HTTP/2, with no library between: frames made once, and just enough reading to know a right answer.

A gRPC client in Python can do a few thousand calls a second, which is less than what is to be measured. So this one
says the same bytes for each call, the number of the stream aside. Two settings make that possible: a header table of
size 0, so that no header depends on those before it (RFC 7541, 4.2), and windows so wide that answers need no flow
control of ours (RFC 9113, 6.9). One call at a time runs on a connection.
"""

import struct
from enum import IntEnum, IntFlag
from typing import Final

from bench.load.dialogue import Expected

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Kind(IntEnum):
    """Of a frame (RFC 9113, 6)."""

    DATA = 0
    HEADERS = 1
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8


class Flag(IntFlag):
    """Of a frame; what bit 0 means depends on its kind."""

    END_STREAM = 0x1
    ACK = 0x1
    END_HEADERS = 0x4


_DATA: Final = int(Kind.DATA)
_HEADERS: Final = int(Kind.HEADERS)
_END_STREAM: Final = int(Flag.END_STREAM)
"""As plain numbers where each frame is compared with them."""
_WIDEST: Final = 2**31 - 1
_DEFAULT_WINDOW: Final = 65_535
_WIDEN_AFTER: Final = 2**30
_OK: Final = b"grpc-status\x010"
"""The status as a literal header: its name, the length of the value, the value."""
_SHOWN: Final = 300


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack("!IBBI", len(payload), kind, flags, stream)[1:] + payload


def headers(method: str, more: dict[str, str]) -> bytes:
    """The header block of a call of `method`, none of which goes into a table. RFC 7541, appendix A has the indices."""
    block = b"\x83\x86" + b"\x04" + _text(method) + b"\x01" + _text("localhost")
    for name, value in {"content-type": "application/grpc", "te": "trailers", **more}.items():
        block += literal(name, value)
    return block


def literal(name: str, value: str) -> bytes:
    """A header that goes into no table (RFC 7541, 6.2.2)."""
    return b"\x00" + _text(name) + _text(value)


def _text(value: str) -> bytes:
    """A string literal, not Huffman coded; its length is an integer of a seven-bit prefix (RFC 7541, 5.1)."""
    data, rest = value.encode(), len(value) - 127
    if rest < 0:
        return bytes([len(data)]) + data
    length = b"\x7f"
    while rest >= 128:
        length += bytes([rest % 128 + 128])
        rest //= 128
    return length + bytes([rest]) + data


class GrpcCalls:
    """A Dialogue of one gRPC call over and over. `message` is the request on the wire, without gRPC's five bytes."""

    def __init__(self, method: str, metadata: dict[str, str], message: bytes, expected: Expected) -> None:
        self.failure = ""
        self.heard = False
        self._headers = headers(method, metadata)
        self._data = b"\x00" + struct.pack("!I", len(message)) + message
        self._expected = expected
        self._stream = -1
        self._rest = b""
        self._payloads: list[bytes] = []
        self._unacknowledged = 0

    def greeting(self) -> bytes:
        settings = struct.pack("!HIHIHI", 1, 0, 2, 0, 4, _WIDEST)
        return PREFACE + frame(Kind.SETTINGS, 0, 0, settings) + _window_update(_WIDEST - _DEFAULT_WINDOW)

    def call(self) -> bytes:
        self._stream += 2
        self._payloads = []
        return frame(Kind.HEADERS, Flag.END_HEADERS, self._stream, self._headers) + frame(
            Kind.DATA, Flag.END_STREAM, self._stream, self._data
        )

    def read(self, data: bytes) -> tuple[bool, bytes]:
        self.heard = self._expected.marker in data
        data = self._rest + data if self._rest else data
        at, size, done, reply = 0, len(data), False, b""
        while size - at >= 9:
            end = at + 9 + (data[at] << 16 | data[at + 1] << 8 | data[at + 2])
            if end > size:
                break
            kind = data[at + 3]
            if kind == _DATA:
                self._payloads.append(data[at + 9 : end])
            elif kind == _HEADERS:
                done = done or self._ends(data[at + 4], data[at + 9 : end])
            else:
                reply += self._answer(kind, data[at + 4], data[at + 9 : end])
            at = end
        self._rest = data[at:]
        return done, reply + self._widened(at)

    def _ends(self, flags: int, block: bytes) -> bool:
        if not flags & _END_STREAM:
            return False
        found = b"".join(self._payloads).count(self._expected.marker)
        self.failure = ""
        if _OK not in block:
            self.failure = f"a status that is not 0: {block[:_SHOWN]!r}"
        elif found != self._expected.count:
            self.failure = f"{found} of {self._expected.count} × {self._expected.marker!r}"
        return True

    def _answer(self, kind: int, flags: int, payload: bytes) -> bytes:
        if kind in (Kind.RST_STREAM, Kind.GOAWAY):
            raise ValueError(f"the server ended the {'call' if kind == Kind.RST_STREAM else 'connection'}: {payload!r}")
        if kind in (Kind.SETTINGS, Kind.PING) and not flags & Flag.ACK:
            return frame(kind, Flag.ACK, 0, payload if kind == Kind.PING else b"")
        return b""

    def _widened(self, count: int) -> bytes:
        self._unacknowledged += count
        if self._unacknowledged < _WIDEN_AFTER:
            return b""
        widened, self._unacknowledged = self._unacknowledged, 0
        return _window_update(widened // 2)


def _window_update(by: int) -> bytes:
    return frame(Kind.WINDOW_UPDATE, 0, 0, struct.pack("!I", by))
