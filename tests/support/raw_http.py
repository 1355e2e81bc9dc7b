"""An HTTP client that sends what it is told, byte for byte."""

import asyncio
import json
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

PATIENCE = 10.0
"""Seconds after which a test that waits has failed."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """`body` without its framing."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def refuses(self, status: int) -> bool:
        """Whether this is an error as all of ours are, and announces the end of the connection."""
        return (
            self.status == status == self.json["error"]["code"]
            and self.headers["content-type"] == "application/json"
            and self.headers["connection"] == "close"
        )


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Sends `data`; a server that has hung up meanwhile is no failure of the client's."""
        with suppress(ConnectionError):
            self._writer.write(data)
            async with asyncio.timeout(PATIENCE):
                await self._writer.drain()

    async def answer(self, *, to_head: bool = False) -> RawAnswer:
        """The next answer; interim ones (100) count."""
        async with asyncio.timeout(PATIENCE):
            status_line, *lines = (await self.answer_head()).split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            status = int(status_line.split()[1])
            body = b"" if to_head or status == 100 else await self._body(headers)
            return RawAnswer(status, headers, body)

    async def answer_head(self) -> str:
        """The status line and the headers of the next answer."""
        async with asyncio.timeout(PATIENCE):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers["content-length"]))
        body = b""
        while (chunk := await self.chunk()) != b"":
            body += chunk
        return body

    async def chunk(self) -> bytes:
        """The next chunk of a chunked body, empty at its end; raises IncompleteReadError where it breaks off."""
        async with asyncio.timeout(PATIENCE):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            return (await self.reader.readexactly(size + 2))[:-2]

    @property
    def tls(self) -> ssl.SSLObject:
        found: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        return found

    async def rest(self) -> bytes:
        """All that comes until the server ends the connection."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    def end_output(self) -> None:
        """Closes the client's half of the connection only, and leaves what comes unread."""
        self._writer.write_eof()

    def end_connection(self) -> None:
        """Sends a FIN below TLS, with no farewell before it."""
        with socket.socket(fileno=os.dup(self._writer.get_extra_info("socket").fileno())) as below:
            below.shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """Closes as programs do, with a FIN."""
        self._writer.close()

    def reset(self) -> None:
        """Closes as crashes do, with a RST."""
        no_linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        self._writer.transport.abort()


@asynccontextmanager
async def connected(address: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawClient]:
    """A connection to `address` in the form servers print theirs, over TLS if there is a context for it."""
    if address.startswith("unix:"):
        reader, writer = await asyncio.open_unix_connection(address.removeprefix("unix:"))
    else:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(
            host.strip("[]"), int(port), ssl=tls, server_hostname="localhost" if tls else None
        )
    try:
        yield RawClient(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
