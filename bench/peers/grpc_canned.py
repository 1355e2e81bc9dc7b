"""Frames of HTTP/2 made once, to every gRPC call: `python -m bench.peers.grpc_canned PORT`.

No server can answer faster in Python. It shows how many calls the load itself can make, which no figure can exceed.
"""

import asyncio
import struct
import sys
from typing import Final, cast

import uvloop
from google.api.httpbody_pb2 import HttpBody

from bench.load.http1 import body_of
from bench.load.http2 import PREFACE, Flag, Kind, frame, literal
from bench.peers.peer import Command, Peer, Place, Prepared
from bench.upstream import answers

_HEAD: Final = b"\x88" + literal("content-type", "application/grpc")
_TRAILERS: Final = literal("grpc-status", "0")
_STREAMED: Final = answers.STREAM.encode()


class Connection(asyncio.Protocol):
    """One caller, whose streams end with the one frame of data that asks."""

    def __init__(self, plain: bytes, stream: bytes) -> None:
        self._plain = plain
        self._stream = stream
        self._rest = b""
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(frame(Kind.SETTINGS, 0, 0, b""))

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self._greeted:
            if len(data) < len(PREFACE):
                self._rest = data
                return
            data, self._greeted = data[len(PREFACE) :], True
        at = 0
        while len(data) - at >= 9:
            size, kind, flags, stream = struct.unpack_from("!IBBI", b"\x00" + data[at : at + 9])
            end = at + 9 + size
            if end > len(data):
                break
            self._hear(kind, flags, stream, data[at + 9 : end])
            at = end
        self._rest = data[at:]

    def _hear(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == Kind.DATA and flags & Flag.END_STREAM:
            self._transport.write(
                frame(Kind.HEADERS, Flag.END_HEADERS, stream, _HEAD)
                + frame(Kind.DATA, 0, stream, self._stream if _STREAMED in payload else self._plain)
                + frame(Kind.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream, _TRAILERS)
                + frame(Kind.WINDOW_UPDATE, 0, 0, struct.pack("!I", len(payload)))
            )
        elif kind in (Kind.SETTINGS, Kind.PING) and not flags & Flag.ACK:
            self._transport.write(frame(kind, Flag.ACK, 0, payload if kind == Kind.PING else b""))


async def serve(address: str) -> None:
    host, _, port = address.rpartition(":")
    plain = _message("application/json", answers.completions()[answers.SHORT])
    stream = _message("text/event-stream", answers.streams(with_usage=False)[answers.STREAM].whole())
    server = await asyncio.get_running_loop().create_server(lambda: Connection(plain, stream), host, int(port))
    await server.serve_forever()


def _message(content_type: str, answer: bytes) -> bytes:
    """What gRPC sends of the body of an HTTP answer."""
    data: bytes = HttpBody(content_type=content_type, data=body_of(answer)).SerializeToString()
    return b"\x00" + struct.pack("!I", len(data)) + data


def _prepare(place: Place) -> Prepared:
    return Prepared((Command((sys.executable, "-m", "bench.peers.grpc_canned", place.grpc)),))


GRPC_CANNED: Final = Peer("grpc_canned", "canned frames", _prepare, lambda: "", doors=("grpc",))


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
