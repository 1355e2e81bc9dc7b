"""A proxy that does nothing but HTTP and JSON: `python -m bench.peers.bare_proxy PORT UPSTREAM`. The floor under REST.

What any gateway in Python must do that looks at what it passes on, by the libraries that we use: llhttp and uvloop at
both ends, and JSON read and written once on the way there and once on the way back, events one by one. It checks
nothing, knows no keys, counts nothing, logs nothing; each caller has an upstream connection of its own.
"""

import asyncio
import sys
from typing import Final, cast

import httptools
import orjson
import uvloop

from bench.peers.peer import Command, Peer, Place, Prepared

_END: Final = b"\n\n"
_DATA: Final = b"data: "


class Caller(asyncio.Protocol):
    """Reads requests, and hands each on, as the only one under way."""

    def __init__(self, upstream: str) -> None:
        self._host, _, self._port = upstream.rpartition(":")
        self._parser = httptools.HttpRequestParser(self)
        self._source: Source | None = None
        self._path = self._body = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        if self._source is not None:
            self._source.transport.close()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, path: bytes) -> None:
        self._path, self._body = path, b""

    def on_body(self, piece: bytes) -> None:
        self._body += piece

    def on_message_complete(self) -> None:
        body = orjson.dumps(orjson.loads(self._body)) if self._body else b""
        head = b"%b %b HTTP/1.1\r\nhost: upstream\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        request = head % (self._parser.get_method(), self._path, len(body)) + body
        if self._source is None:
            self._dialling = asyncio.create_task(self._dial(request))
        else:
            self._source.transport.write(request)

    async def _dial(self, request: bytes) -> None:
        made = lambda: Source(self.transport)  # noqa: E731
        _, self._source = await asyncio.get_running_loop().create_connection(made, self._host, int(self._port))
        self._source.transport.write(request)


class Source(asyncio.Protocol):
    """Reads answers of the upstream, and writes them to `caller`."""

    def __init__(self, caller: asyncio.Transport) -> None:
        self._caller = caller
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._rest = b""
        self._streamed = self._ended = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if self._streamed:
            self._pass_events()
        if self._ended:
            self._finish()

    def on_header(self, name: bytes, value: bytes) -> None:
        if value.startswith(b"text/event-stream"):
            self._streamed = True
            self._caller.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self._ended = True

    def _pass_events(self) -> None:
        *events, self._rest = (self._rest + b"".join(self._pieces)).split(_END)
        self._pieces.clear()
        if events:
            chunk = b"".join(map(_rewritten, events))
            self._caller.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def _finish(self) -> None:
        if self._streamed:
            self._caller.write(b"0\r\n\r\n")
        else:
            body = orjson.dumps(orjson.loads(b"".join(self._pieces)))
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            self._caller.write(head % len(body) + body)
        self._pieces.clear()
        self._rest = b""
        self._streamed = self._ended = False


def _rewritten(event: bytes) -> bytes:
    data = event.removeprefix(_DATA)
    return _DATA + (data if data == b"[DONE]" else orjson.dumps(orjson.loads(data))) + _END


async def serve(port: str, upstream: str) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Caller(upstream), "127.0.0.1", int(port))
    await server.serve_forever()


def _prepare(place: Place) -> Prepared:
    program = (sys.executable, "-m", "bench.peers.bare_proxy", str(place.rest_port), place.upstream)
    return Prepared((Command(program),))


BARE_PROXY: Final = Peer("bare", "bare proxy in Python", _prepare, lambda: httptools.__version__)


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:]))
