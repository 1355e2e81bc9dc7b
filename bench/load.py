"""Load on an HTTP/1.1 server: the same request over and over, on connections that stay open."""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Final, cast

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it. Times in seconds, sorted; `body_bytes` is the length of the last answer's body on the wire."""

    seconds: float
    times: list[float]
    body_bytes: int

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def quantile(self, part: float) -> float:
        return self.times[min(int(len(self.times) * part), len(self.times) - 1)]


class _Connection(asyncio.Protocol):
    """Sends the request again as soon as it is answered, until `end`. Fails `done` for any answer but 200."""

    def __init__(self, request: bytes, end: float) -> None:
        self.times: list[float] = []
        self.body_bytes = 0
        self.done = asyncio.get_running_loop().create_future()
        self._request = request
        self._end = end
        self._received = bytearray()
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_whole():
            return
        at = time.perf_counter()
        self.times.append(at - self._sent)
        if not self._received.startswith(b"HTTP/1.1 200 "):
            self._end_with(RuntimeError(self._received[:500].decode(errors="replace")))
        elif at < self._end:
            self._received.clear()
            self._send()
        else:
            self._end_with(None)

    def connection_lost(self, _: Exception | None) -> None:
        self._end_with(ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def _is_whole(self) -> bool:
        head = self._received.find(b"\r\n\r\n") + 4
        if head < 4:
            return False
        self.body_bytes = len(self._received) - head
        if length := _LENGTH.search(self._received, 0, head):
            return self.body_bytes >= int(length[1])
        return bool(_CHUNKED.search(self._received, 0, head)) and self._received.endswith(_LAST_CHUNK)

    def _end_with(self, error: Exception | None) -> None:
        if self.done.done():
            return
        self._transport.close()
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


async def load(path: str, request: bytes, *, connections: int, seconds: float) -> Load:
    """Loads the server at the unix socket `path`; raises RuntimeError for an answer that is not 200."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    opening = (
        loop.create_unix_connection(lambda: _Connection(request, began + seconds), path) for _ in range(connections)
    )
    protocols = [protocol for _, protocol in await asyncio.gather(*opening)]
    await asyncio.gather(*(protocol.done for protocol in protocols))
    times = sorted(each for protocol in protocols for each in protocol.times)
    return Load(time.perf_counter() - began, times, protocols[0].body_bytes)
