"""What stands between uvicorn's request cycle and the app: answers without chunks, and answers broken off."""

from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from modelwire_gateway.exchange import BrokenAnswerError, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application


class CycleApp:
    """The ASGI app to run in `cycle` in the place of `app`.

    An answer the app breaks off by BrokenAnswerError, or that is broken off by cancelling its task, breaks the
    connection, without the traceback that uvicorn prints for exceptions nobody meant. Clients of HTTP/1.0, which has
    no chunks (RFC 9112, section 6.1), get an answer of unknown length as it is, ended by the end of the connection.
    """

    __slots__ = ("_app", "_cycle", "_until_close")

    def __init__(self, app: "ASGI3Application", cycle: RequestResponseCycle) -> None:
        self._app: Any = app
        self._cycle = cycle
        self._until_close = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        without_chunks = scope["http_version"] == "1.0"
        try:
            await self._app(scope, receive, self._send_without_chunks if without_chunks else send)
        except (BrokenAnswerError, CancelledError):
            self._cycle.disconnected = True  # what spares an unfinished answer uvicorn's complaint
            self._cycle.transport.close()

    async def _send_without_chunks(self, message: Message) -> None:
        cycle = self._cycle
        if message["type"] == "http.response.start":
            self._until_close = all(name.lower() != b"content-length" for name, _ in message.get("headers", ()))
            if self._until_close:
                cycle.chunked_encoding = False  # neither chunks nor a length
        elif self._until_close:
            cycle.expected_content_length = len(message.get("body", b""))
        await cycle.send(message)  # type: ignore[arg-type]
