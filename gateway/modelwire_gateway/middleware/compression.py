"""Compresses answers where the request asks for it and it is worth it.

Theory of operation. A request that asks for no coding passes untouched, its `send` included, so a gateway whose
callers never ask pays nothing. Its answer carries no Vary either: a cache that gives it to somebody
who does ask gives nothing wrong. Otherwise:

* Codings suit text, but no event stream: proxies and clients split events late or never once they are coded.
* The head of an answer waits for the first piece of its body, which decides: a piece of 1 KiB or more is worth coding,
  and so is a shorter one after which more is sure to come, being a line or the beginning of an array.
  Most short answers of unknown length are whole in their first piece, and would only cost time.
* A body that is whole in its first piece is told with its new length. Of any other, each piece is flushed, so that no
  message waits for the next. A body that breaks off ends without the coding's own end.
* Long pieces are coded in a thread, which does not hold the interpreter's lock, so that other requests go on.

starlette's GZipMiddleware takes `gzip;q=0` for a wish, and has no zstd.
"""

import asyncio
from collections.abc import Awaitable
from functools import lru_cache
from typing import Final

from modelwire_gateway.asgi import App
from modelwire_gateway.content_types import EVENT_STREAM, LINES, RECORDS, media_type
from modelwire_gateway.exchange import Message, Receive, Scope, Send, send_whole
from modelwire_gateway.metadata import Headers
from modelwire_gateway.middleware.accept_encoding import Wish, wished_coding
from modelwire_gateway.middleware.content_encoders import ENCODERS, ContentEncoder

WORTHWHILE_BYTES: Final = 1024
"""From which length on a body is compressed."""

# gzip takes about 1 ms for these; handing them over to a thread and back takes a tenth of that.
_THREAD_BYTES: Final = 64 * 1024

_VALUES: Final = LINES | {RECORDS}
_TEXTS: Final = _VALUES.union(f"application/{subtype}" for subtype in ("json", "xml", "yaml", "javascript"))
_TEXT_SUFFIXES: Final = ("+json", "+xml", "+yaml")
_VARY: Final = (b"vary", b"Accept-Encoding")


class Compression:
    """An ASGI app that answers as `app` does, in gzip or zstd where the request asks for them."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not `async`: every request passes here, and the wrapped app's awaitable needs no frame around it.
        for name, _ in scope.get("headers", ()):
            if name == b"accept-encoding" and (wish := _wish(scope)):
                return self._app(scope, receive, _CodedAnswer(wish, send))
        return self._app(scope, receive, send)


class _CodedAnswer:
    """The `send` of one request: what the app sends, coded where that is worth it."""

    __slots__ = ("_encoder", "_head", "_send", "_wish")

    def __init__(self, wish: Wish, send: Send) -> None:
        self._wish = wish
        self._send = send
        self._head: Message | None = None
        self._encoder: ContentEncoder | None = None

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start" and self._suits(message):
            self._head = message
        elif kind == "http.response.body" and self._head is not None:
            head, self._head = self._head, None
            for begun in await self._begun(head, message):
                await self._send(begun)
        elif kind == "http.response.body" and self._encoder is not None:
            coded = await _coded(self._encoder, message)
            if not message.get("more_body"):
                self._encoder = None  # a quarter of a MiB, which a cycle of finished answers would keep
            await self._send(coded)
        else:
            await self._send(message)

    async def answer_at_once(self, status: int, headers: Headers, body: bytes) -> None:
        head: Message = {"type": "http.response.start", "status": status, "headers": headers}
        message: Message = {"type": "http.response.body", "body": body, "more_body": False}
        if self._suits(head):
            head, message = await self._begun(head, message)
        await send_whole(self._send, status, head["headers"], message["body"])

    async def _begun(self, head: Message, message: Message) -> tuple[Message, Message]:
        """The head and the first piece, coded or not; from there on the rest is as they are."""
        headers = [*head["headers"], _VARY]
        if self._worthwhile(head, message):
            encoder = ENCODERS[self._wish.coding]()
            message = await _coded(encoder, message)
            more = message.get("more_body", False)
            headers = _coded_headers(headers, self._wish.coding, None if more else len(message["body"]))
            self._encoder = encoder if more else None
        return {**head, "headers": headers}, message

    def _suits(self, head: Message) -> bool:
        """Whether the answer could be coded, were it long enough."""
        headers = head["headers"]
        if head["status"] == 206 or _value(headers, b"content-encoding"):
            return False
        kind = _media_type(_value(headers, b"content-type"))
        return _is_text(kind) or head["status"] == 304 or (self._wish.identity_refused and kind != EVENT_STREAM)

    def _worthwhile(self, head: Message, message: Message) -> bool:
        data, more = message.get("body", b""), message.get("more_body", False)
        if len(data) >= WORTHWHILE_BYTES:
            return True
        if not more:
            return self._wish.identity_refused and bool(data)
        begun_array = data.startswith(b"[") and not data.endswith(b"]")
        is_lines = _media_type(_value(head["headers"], b"content-type")) in _VALUES
        return begun_array or is_lines or self._wish.identity_refused


def _wish(scope: Scope) -> Wish | None:
    values = [value for name, value in scope["headers"] if name == b"accept-encoding"]
    return wished_coding(b",".join(values).decode("latin-1"))


async def _coded(encoder: ContentEncoder, message: Message) -> Message:
    data = message.get("body", b"")
    encode = encoder.piece if message.get("more_body") else encoder.last
    coded = await asyncio.to_thread(encode, data) if len(data) >= _THREAD_BYTES else encode(data)
    return {**message, "body": coded}


def _coded_headers(headers: Headers, coding: str, length: int | None) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that is coded: of another `length`, or of one not known yet, under a weaker tag."""
    coded = [(b"content-encoding", coding.encode())]
    for name, value in headers:
        if (lower := name.lower()) == b"etag":
            coded.append((name, value if value.startswith(b"W/") else b"W/" + value))
        elif lower != b"content-length":
            coded.append((name, value))
        elif length is not None:
            coded.append((name, b"%d" % length))
    return coded


def _value(headers: Headers, wanted: bytes) -> bytes:
    return next((value for name, value in headers if name.lower() == wanted), b"")


@lru_cache(maxsize=64)
def _media_type(content_type: bytes) -> str:
    return media_type(content_type.decode("latin-1"))


def _is_text(kind: str) -> bool:
    if kind.startswith("text/"):
        return kind != EVENT_STREAM
    return kind in _TEXTS or kind.endswith(_TEXT_SUFFIXES)
