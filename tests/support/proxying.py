"""An outgoing HTTP proxy that makes tunnels (RFC 9110, section 9.3.6) and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.loopback import Peer, listening


class TunnellingProxy:
    """Asks for `credentials`, base64 of USER:PASSWORD, if they are given."""

    def __init__(self, credentials: str | None = None) -> None:
        self.url = ""
        self.heads: list[bytes] = []
        self._credentials = credentials

    async def _serve(self, peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if self._credentials and f"proxy-authorization: basic {self._credentials}".lower() not in head.decode().lower():
            await peer.answer(b"<html>proxy.internal says no</html>", status="407 Proxy Authentication Required")
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            await peer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ways = [asyncio.create_task(_copy(peer.reader, writer)), asyncio.create_task(_copy(reader, peer.writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return


@asynccontextmanager
async def proxying(credentials: str | None = None) -> AsyncIterator[TunnellingProxy]:
    proxy = TunnellingProxy(credentials)
    async with listening(proxy._serve) as server:
        proxy.url = server.url
        yield proxy
