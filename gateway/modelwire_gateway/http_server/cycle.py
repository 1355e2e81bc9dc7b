"""One request of a connection, and its answer: what an ASGI app is called with.

Theory of operation. The cycle itself is the app's `send`: called with a message, it does what ASGI asks. Beside that
it has `answer_at_once` (see `exchange.AnswerAtOnce`), which takes a whole answer and writes it in one go. Whatever
stands between server and app and wraps `send` hides that, and so sees every answer in ASGI's own messages.

An answer the app breaks off by BrokenAnswerError, or that is broken off by cancelling its task, breaks the
connection, without the traceback that exceptions get which nobody meant. Clients of HTTP/1.0, which has
no chunks (RFC 9112, section 6.1), get an answer of unknown length as it is, ended by the end of the connection.
"""

from asyncio import CancelledError, Event, Transport
from logging import Logger
from typing import Final, Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

from modelwire_gateway.asgi import App
from modelwire_gateway.exchange import BrokenAnswerError, Message, Scope
from modelwire_gateway.http_server.answer_head import AnswerHead
from modelwire_gateway.http_server.request_head import expects_100_continue
from modelwire_gateway.metadata import Headers

_BODILESS: Final = frozenset({204, 304})
_JOINED_BYTES: Final = 64 * 1024  # copying more than this costs more than a second write


class Connection(Protocol):
    """What a cycle needs of the connection it is one of."""

    transport: Transport
    flow: FlowControl
    server_state: ServerState
    logger: Logger

    def close_after_answer(self) -> None:
        """Ends the connection, be the request's body read or not."""
        ...

    def on_response_complete(self) -> None: ...


class RequestCycle:
    """One request, `scope`, of `connection`, and the answer to it."""

    __slots__ = (
        "_arrival",
        "_body",
        "_chunked",
        "_connection",
        "_left",
        "_news",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
        "response_started",
        "scope",
        "waiting_for_100_continue",
    )

    def __init__(self, scope: Scope, connection: Connection, *, keep_alive: bool) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expects_100_continue(scope["headers"])
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self._connection = connection
        self._body: bytes | bytearray = b""
        self._news = False
        self._arrival: Event | None = None
        self._chunked = False
        self._left: int | None = 0  # bytes of the answer to come; None where only the connection's end tells

    # What the connection says

    def put(self, piece: bytes) -> int:
        """Adds what came of the request's body; returns how much of it waits to be received."""
        if not self._body:
            self._body = piece
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += piece
        self.tell()
        return len(self._body)

    def tell(self) -> None:
        """Wakes who waits in `receive`, since there is something to be received."""
        self._news = True
        if self._arrival is not None:
            self._arrival.set()

    async def run(self, app: App) -> None:
        """Has `app` answer; what it leaves unfinished breaks the connection."""
        connection = self._connection
        try:
            await app(self.scope, self.receive, self)
        except (BrokenAnswerError, CancelledError):
            self.disconnected = True  # so that nothing more is sent
            connection.close_after_answer()
        except BaseException as error:
            connection.logger.error("Exception in ASGI application\n", exc_info=error)
            await self._give_up()
        else:
            if not (self.response_complete or self.disconnected):
                told = "completing" if self.response_started else "starting"
                connection.logger.error("ASGI callable returned without %s response.", told)
                await self._give_up()

    # What the app asks for

    async def receive(self) -> Message:
        connection = self._connection
        if self.waiting_for_100_continue and not connection.transport.is_closing():
            connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not (self.disconnected or self.response_complete):
            connection.flow.resume_reading()
            if not self._news:
                await self._arrived()
            self._news = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self._body = bytes(self._body), b""
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def __call__(self, message: Message) -> None:
        """ASGI's `send`; does nothing once the client has left."""
        connection, kind = self._connection, message["type"]
        if connection.flow.write_paused and not self.disconnected:
            await connection.flow.drain()
        if self.disconnected:
            return
        if kind != ("http.response.body" if self.response_started else "http.response.start") or self.response_complete:
            raise RuntimeError(f"Unexpected ASGI message '{kind}'.")
        if kind == "http.response.start":
            connection.transport.write(self._head(message["status"], message.get("headers", ())))
            return
        more = message.get("more_body", False)
        connection.transport.write(self._framed(message.get("body", b""), more))
        if not more:
            self._complete()

    async def answer_at_once(self, status: int, headers: Headers, body: bytes) -> None:
        """Sends a whole answer, as two of ASGI's messages would that say the same."""
        connection = self._connection
        if connection.flow.write_paused and not self.disconnected:
            await connection.flow.drain()
        if self.disconnected:
            return
        if self.response_started:
            raise RuntimeError("Unexpected answer: one has started.")
        head, framed = self._head(status, headers), self._framed(body, more=False)
        if len(framed) <= _JOINED_BYTES:
            connection.transport.write(head + framed)
        else:
            connection.transport.write(head)
            connection.transport.write(framed)
        self._complete()

    # Writing

    def _head(self, status: int, headers: Headers) -> bytes:
        """Begins the answer: its head, from which follows how the body is written."""
        self.response_started = True
        self.waiting_for_100_continue = False
        head = AnswerHead(status, [*self._connection.server_state.default_headers, *headers])
        lines = head.lines
        if head.closes:
            self.keep_alive = False
        elif not self.keep_alive:
            lines += b"connection: close\r\n"
        self._chunked, self._left = head.chunked, head.length or 0
        if head.length is None and not head.chunked:
            if self.scope["http_version"] == "1.0":
                self._left = None
            elif self.scope["method"] != "HEAD" and status not in _BODILESS:
                self._chunked = True
                lines += b"transfer-encoding: chunked\r\n"
        return lines + b"\r\n"

    def _framed(self, piece: bytes, more: bool) -> bytes:
        """A piece of the body as it is sent. Raises RuntimeError where the body is longer than was told."""
        if self.scope["method"] == "HEAD":
            self._left = 0
            return b""
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise RuntimeError("Response content longer than Content-Length")
        return piece

    def _complete(self) -> None:
        if self._left:
            raise RuntimeError("Response content shorter than Content-Length")
        self.response_complete = True
        self.tell()
        if not self.keep_alive:
            self._connection.close_after_answer()
        self._connection.on_response_complete()

    async def _give_up(self) -> None:
        if self.response_started:
            self._connection.close_after_answer()
        else:
            body = b"Internal Server Error"
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
            await self.answer_at_once(500, [*headers, (b"connection", b"close")], body)

    async def _arrived(self) -> None:
        if self._arrival is None:
            self._arrival = Event()
        self._arrival.clear()
        await self._arrival.wait()
