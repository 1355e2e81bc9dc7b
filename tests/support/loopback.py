"""A server on a loopback port that plays a script on each connection, byte by byte if need be."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(slots=True)
class Peer:
    """One accepted connection. `number` counts from 0."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    requests: list[bytes]

    async def request(self) -> bytes:
        """Reads one request, body included, and remembers it."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        body = await self.reader.readexactly(_content_length(head))
        self.requests.append(head + body)
        return head + body

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
        await self.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def chunk(self, data: bytes) -> None:
        await self.write(b"%x\r\n%s\r\n" % (len(data), data))

    async def start_chunked(self, *headers: str) -> None:
        await self.write(
            "\r\n".join(["HTTP/1.1 200 OK", "transfer-encoding: chunked", *headers]).encode() + b"\r\n\r\n"
        )

    def reset(self) -> None:
        """Ends the connection by a TCP reset."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Waits until the other side has closed."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    async def gone_within(self, seconds: float) -> bool:
        """Whether the other side closes within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self.gone()
        except TimeoutError:
            return False
        return True


Script = Callable[[Peer], Awaitable[None]]


@dataclass(slots=True)
class Loopback:
    """`requests` in order of arrival; `connections` counts those accepted."""

    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def listening(script: Script, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Loopback]:
    """Serves `script` on each connection; whatever is still open at the end is closed."""
    seen = Loopback()
    tasks: set[asyncio.Task[None]] = set()
    ending = False

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, seen.connections, seen.requests)
        seen.connections += 1
        try:
            await script(peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if ending:
            writer.close()
        else:
            tasks.add(asyncio.create_task(play(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", port, ssl=tls)
    number = server.sockets[0].getsockname()[1]
    seen.url = f"{'https' if tls else 'http'}://127.0.0.1:{number}"
    try:
        yield seen
    finally:
        ending = True
        await _accepted_all(number)
        server.close()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [result for result in results if isinstance(result, Exception)], results


async def _accepted_all(port: int) -> None:
    """Returns when whoever connected until here is accepted: uvloop does that one by one, and this is the last."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(ConnectionError):
        writer.write(b"no handshake\r\n\r\n")
        await reader.read()
    writer.close()


def _content_length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
