"""A relay before a server that others wrote, which tells when nobody holds a connection to that server any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from urllib.parse import urlsplit

_LEAVING_SECONDS = 5.0


class Relay:
    """Passes bytes on in both directions. `quiet` is set while no connection is open."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._open = 0
        self.quiet = asyncio.Event()
        self.quiet.set()
        self.url = ""

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self.quiet.clear()
        try:
            from_target, to_target = await asyncio.open_connection(*self._target)
            with closing(to_target):
                ways = [_pass_on(reader, to_target), _pass_on(from_target, writer)]
                _, pending = await asyncio.wait(map(asyncio.ensure_future, ways), return_when=asyncio.FIRST_COMPLETED)
                for way in pending:
                    way.cancel()
        finally:
            writer.close()
            self._open -= 1
            if not self._open:
                self.quiet.set()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def relaying(target: str) -> AsyncIterator[Relay]:
    """Relays to the host and port of the URL `target` until the block has ended, and nobody is connected any more."""
    relay = Relay(target)
    server = await asyncio.start_server(relay._connected, "127.0.0.1", 0)
    relay.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        async with asyncio.timeout(_LEAVING_SECONDS):
            await relay.quiet.wait()
