"""One HTTP exchange over ASGI: reading the request's body, noticing that the client left, writing the answer."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from modelwire_gateway.client_address import client_of
from modelwire_gateway.metadata import REQUEST_ID, Headers, decoded_headers, request_id
from modelwire_gateway.requests.body import RequestBody
from modelwire_gateway.requests.bytes_in_flight import BytesInFlight
from modelwire_gateway.requests.pace import check_pace
from modelwire_gateway.requests.refusals import too_large

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CLIENT_LEFT: Final = "modelwire.client_left"
"""The ASGI extension whose "future" is done once the client has left, whatever is still to be received of it.

It is the connection's: to be given callbacks, not to be cancelled.
"""

AnswerAtOnce = Callable[[int, Headers, bytes], Awaitable[None]]
"""Sends a whole answer: its status, its headers with the length among them, its body.

A server may give its `send` such a method, `answer_at_once`. It must do what two messages do that say the same.
"""

_REQUEST_ID: Final = REQUEST_ID.encode()
_TRAILERS: Final = "http.response.trailers"


class ClientLeftError(Exception):
    """The client closed the connection before it had its answer."""


class BrokenAnswerError(Exception):
    """The answer cannot be completed; raising this out of the app makes the server break the connection."""


class Exchange:
    """One request and its answer.

    `started` tells whether the answer's headers have gone out, `finished` whether all of it has. Writing
    raises ClientLeftError where the server says that nobody is there to read.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.raw_path = _raw_path(scope)
        self.query: bytes = scope["query_string"]
        self.headers = decoded_headers(scope["headers"])
        self.peer = client_of(scope)
        self.request_id = request_id(self.headers)
        self.bytes_held = 0
        self.started = False
        self.status: int | None = None
        self.finished = False
        self.sends_trailers = False
        """Whether an answer's trailers reach the client."""
        self._streamed: RequestBody | None = None
        # What concerns the connection may not be said in HTTP/2 (RFC 9113, 8.2.2) and later.
        self._names_connection = scope.get("http_version", "1.1").startswith("1")
        self._left: asyncio.Future[None] | None = None
        if extensions := scope.get("extensions"):
            self.sends_trailers = _TRAILERS in extensions and _wants_trailers(self.headers)
            self._left = extensions[CLIENT_LEFT]["future"] if CLIENT_LEFT in extensions else None
        self._receive = receive
        self._send = send

    async def body(
        self, max_bytes: int, in_flight: BytesInFlight, clock: Callable[[], float] = time.monotonic
    ) -> bytes:
        """The whole body, counted in `in_flight` and in `bytes_held`, whose giving back is the caller's business.

        Raises ClientLeftError, RESOURCE_EXHAUSTED as 413 past `max_bytes`, DEADLINE_EXCEEDED as 408 where it comes too
        slowly, and UNAVAILABLE where too much is in flight. `clock` gives seconds.
        """
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > max_bytes:
            raise too_large(max_bytes)
        pieces, size, more, began = [], 0, True, clock()
        while more:
            piece, more = _piece_of(await self._receive())
            size += len(piece)
            if size > max_bytes:
                raise too_large(max_bytes)
            if more:
                check_pace(size, clock() - began)
            in_flight.take(len(piece))
            self.bytes_held = size
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def streamed_body(self) -> RequestBody:
        """The body as it arrives, in the place of `body`; it is read while `gone` is awaited."""
        self._streamed = RequestBody()
        return self._streamed

    @property
    def leaving(self) -> asyncio.Future[None] | None:
        """What is done once the client has left, if nothing else is to be received; else `gone` tells that."""
        return self._left if self._streamed is None else None

    async def gone(self) -> None:
        """Returns once the client has left. Only to be called when the body has been read, or is streamed."""
        try:
            if self._streamed is not None:
                await self._read_streamed(self._streamed)
        except ClientLeftError:
            return
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Headers) -> None:
        """Sends status and headers, the request's id among them."""
        start = {"type": "http.response.start", "status": status, "headers": self._begin(status, headers)}
        await self._out({**start, "trailers": True} if self.sends_trailers else start)

    async def write(self, data: bytes, *, more: bool) -> None:
        """Sends a piece of the body; the server has taken it when this returns."""
        self.finished = not more
        try:  # what `_out` does, without a coroutine between
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
        except OSError as error:
            raise ClientLeftError from error

    async def end(self, trailers: Headers = ()) -> None:
        """Ends a body written with `more` set, with trailers where they can be sent (RFC 9110, 6.5)."""
        await self.write(b"", more=False)
        if self.sends_trailers:
            await self._out({"type": _TRAILERS, "headers": list(trailers), "more_trailers": False})

    async def answer(self, status: int, headers: Headers, body: bytes, trailers: Headers = ()) -> None:
        """Sends a whole answer, with its length unless trailers follow: HTTP/1.1 has those after chunks only.

        A client that is still sending a stream that nobody will read is told that the connection closes.
        """
        if self._streamed is not None and not self._streamed.ended:
            headers = [*(header for header in headers if header[0] != b"connection"), (b"connection", b"close")]
        if self.sends_trailers:
            await self.start(status, headers)
            await self.write(body, more=True)
            await self.end(trailers)
            return
        self.finished = True
        named = self._begin(status, [*headers, (b"content-length", b"%d" % len(body))])
        try:
            await send_whole(self._send, status, named, body)
        except OSError as error:
            raise ClientLeftError from error

    def _begin(self, status: int, headers: Headers) -> Headers:
        self.started = True
        self.status = status
        named = [*headers, (_REQUEST_ID, self.request_id.encode())]
        return named if self._names_connection else [header for header in named if header[0] != b"connection"]

    async def _read_streamed(self, body: RequestBody) -> None:
        """Reads while there is room in `body`, and once the client has left: then only that is left to read."""
        left = self._left
        if left is None:
            await self._read_ahead(body)
            return
        left.add_done_callback(body.unbound)
        try:
            await self._read_ahead(body)
        finally:
            left.remove_done_callback(body.unbound)

    async def _read_ahead(self, body: RequestBody) -> None:
        while not body.ended:
            await body.room()
            piece, more = _piece_of(await self._receive())
            body.put(piece, more=more)

    async def _out(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as error:  # what ASGI has servers raise for a client that left (spec_version 2.4)
            raise ClientLeftError from error


def send_whole(send: Send, status: int, headers: Headers, body: bytes) -> Awaitable[None]:
    """Sends a whole answer by `answer_at_once`, where `send` has that, and else in ASGI's own messages."""
    at_once: AnswerAtOnce | None = getattr(send, "answer_at_once", None)
    return _in_messages(send, status, headers, body) if at_once is None else at_once(status, headers, body)


async def _in_messages(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class ClientWatch:
    """Cancels the task that enters it as soon as the client leaves; the block then ends with ClientLeftError.

    Whatever the block made of the cancellation: nobody is left to be answered. A cancellation from elsewhere
    stays one. A client that leaves when all of the answer has been handed over is not missed.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._left = False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._task = task
        self._cancelling = task.cancelling()
        self._leaving = self._exchange.leaving
        if self._leaving is not None:  # a callback costs a tenth of a task
            self._leaving.add_done_callback(self._leave)
        else:
            self._watcher = asyncio.create_task(self._watch())

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._leaving is not None:
            self._leaving.remove_done_callback(self._leave)
        else:
            self._watcher.cancel()
        if self._left and self._task.uncancel() <= self._cancelling:
            raise ClientLeftError from error

    async def _watch(self) -> None:
        await self._exchange.gone()
        self._leave()

    def _leave(self, _: object = None) -> None:
        if not self._exchange.finished:
            self._left = True
            self._task.cancel()


def _piece_of(message: Message) -> tuple[bytes, bool]:
    """A piece of the request's body, and whether there is more."""
    if message["type"] == "http.disconnect":
        raise ClientLeftError
    return message.get("body", b""), message.get("more_body", False)


def _raw_path(scope: Scope) -> bytes:
    """The undecoded path below where the app is mounted.

    `path` is decoded already, which would make %2F a separator; servers need not give `raw_path`. Both have
    `root_path`, which is decoded, in front.
    """
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"], safe="/:").encode()
    if not (mount := scope.get("root_path")):
        return raw_path
    root = mount.encode().rstrip(b"/")
    mounted, rest = _prefix(raw_path, len(root))
    return rest if unquote_to_bytes(mounted) == root and rest[:1] in (b"/", b"") else raw_path


def _prefix(raw_path: bytes, length: int) -> tuple[bytes, bytes]:
    """The undecoded path in two: what `length` bytes of the decoded one stand for, and the rest."""
    encoded = re.match(rb"(?>%%[0-9A-Fa-f]{2}|.){%d}" % length, raw_path, re.DOTALL)
    end = encoded.end() if encoded else 0
    return raw_path[:end], raw_path[end:]


def _wants_trailers(headers: dict[str, str]) -> bool:
    """Whether the client takes trailers (RFC 9110, 10.1.4)."""
    return "trailers" in [coding.partition(";")[0].strip() for coding in headers.get("te", "").lower().split(",")]
