"""One HTTP exchange over ASGI: reading the request's body, noticing that the client left, writing the answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from modelwire_gateway.errors import failure
from modelwire_gateway.metadata import REQUEST_ID, decoded_headers, request_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientLeftError(Exception):
    """The client closed the connection before it had its answer."""


class BrokenAnswerError(Exception):
    """The answer cannot be completed; raising this out of the app makes the server break the connection."""


class Exchange:
    """One request and its answer. `started` tells whether the answer's headers have gone out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        # `path` is decoded already, which would make %2F a separator; servers need not give `raw_path`.
        self.raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.query: bytes = scope["query_string"]
        self.headers = decoded_headers(scope["headers"])
        self.request_id = request_id(self.headers)
        self.started = False
        self._offers_trailers = "http.response.trailers" in (scope.get("extensions") or {})
        self._receive = receive
        self._send = send

    @property
    def sends_trailers(self) -> bool:
        """Whether the server can send trailers and the client wants them (RFC 9110, 10.1.4)."""
        return self._offers_trailers and "trailers" in self.headers.get("te", "").lower()

    async def body(self, max_bytes: int) -> bytes:
        """The whole body; raises ClientLeftError, and RESOURCE_EXHAUSTED as 413 past `max_bytes`."""
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > max_bytes:
            raise _too_large(max_bytes)
        pieces, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeftError
            piece = message.get("body", b"")
            size += len(piece)
            if size > max_bytes:
                raise _too_large(max_bytes)
            pieces.append(piece)
            more = message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def gone(self) -> None:
        """Returns once the client has left. Only to be called when the body has been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Sends status and headers, the request's id among them."""
        self.started = True
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, (REQUEST_ID.encode(), self.request_id.encode())],
                "trailers": self.sends_trailers,
            }
        )

    async def write(self, data: bytes, *, more: bool) -> None:
        """Sends a piece of the body; the server has taken it when this returns."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def end(self, trailers: Iterable[tuple[bytes, bytes]]) -> None:
        """Ends a body written with `more` set, with trailers where they can be sent."""
        await self.write(b"", more=False)
        if self.sends_trailers:
            await self._send({"type": "http.response.trailers", "headers": list(trailers), "more_trailers": False})

    async def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Sends a whole answer of known length."""
        length = (b"content-length", str(len(body)).encode())
        await self.start(status, [*headers, length])
        await self.write(body, more=self.sends_trailers)
        if self.sends_trailers:
            await self.end(())


class ClientWatch:
    """Cancels the task that enters it as soon as the client leaves; the block then ends with ClientLeftError."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._left = False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._task = task
        self._watcher = asyncio.create_task(self._watch())

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._watcher.cancel()
        if self._left and kind is asyncio.CancelledError:
            self._task.uncancel()
            raise ClientLeftError from error

    async def _watch(self) -> None:
        await self._exchange.gone()
        self._left = True
        self._task.cancel()


def _too_large(max_bytes: int) -> Exception:
    # Closing is what makes the client stop sending the rest.
    return failure(
        "RESOURCE_EXHAUSTED",
        f"the request body is larger than {max_bytes} bytes",
        reason="REQUEST_TOO_LARGE",
        http_status=413,
        headers=[("connection", "close")],
    )
