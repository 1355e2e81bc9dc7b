"""How response messages become the bytes of an HTTP answer.

    HttpBody          its bytes, as they are; the content type of the first message
    unary             one JSON document
    server streaming  a JSON array, NDJSON lines or server-sent events, as the caller asked

A `Framing` is pure: each message in, bytes out, and what stands before, after, and in place of the rest
when the call fails half-way. `None` there means that the connection must break instead, so that nobody
takes the half for the whole.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson
from google.api import httpbody_pb2

from modelwire_gateway.errors import RpcFailure, error_body
from modelwire_gateway.rendering import ReadHttpBody, Render

EVENT_STREAM: Final = "text/event-stream"
NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"

_RAW_DEFAULT: Final = "application/octet-stream"
_NO_BUFFERING: Final = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
_EVENT_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
_WEIGHT: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")

Headers = tuple[tuple[bytes, bytes], ...]
LateError = Callable[[RpcFailure, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Framing:
    """How the messages of one answer are written. `render` turns a message from wire form into its bytes."""

    headers: Headers
    render: Render
    before: bytes = b""
    between: bytes = b""
    after: bytes = b""
    late_error: LateError | None = None
    """Tells of a failure, given what was written last; what it makes is the end of the body."""


def http_body_framing(first: httpbody_pb2.HttpBody, read: ReadHttpBody) -> Framing:
    """The framing of google.api.HttpBody messages, by the `first` one's content type."""
    content_type = first.content_type
    if not (content_type and content_type.isascii() and content_type.isprintable()):
        content_type = _RAW_DEFAULT
    if _media_type(content_type) == EVENT_STREAM:
        return Framing(_event_headers(content_type), lambda wire: read(wire).data, late_error=_error_event)
    return Framing(_content_type(content_type), lambda wire: read(wire).data)


def unary_framing(to_json: Render) -> Framing:
    return Framing(_content_type(JSON), to_json)


def stream_framing(to_json: Render, accept: str, alt: str | None) -> Framing:
    """The framing of a stream of JSON messages: `alt` chooses, else the Accept header; at last a JSON array."""
    content_type = preferred_framing(accept) if alt is None else {"sse": EVENT_STREAM}.get(alt, JSON)
    if content_type == EVENT_STREAM:
        return Framing(
            _event_headers(EVENT_STREAM), lambda wire: b"data: " + to_json(wire) + b"\n\n", late_error=_error_event
        )
    if content_type == NDJSON:
        return Framing(_content_type(NDJSON), lambda wire: to_json(wire) + b"\n", late_error=_error_line)
    return Framing(_content_type(JSON), to_json, before=b"[", between=b",", after=b"]")


def preferred_framing(accept: str) -> str:
    """Which of the content types of streams an Accept header names with the greatest weight (RFC 9110, 12.5.1).

    Of equals, events go before lines and lines before an array. Wildcards ask for nothing in particular.
    """
    weights = {_media_type(choice): _weight(choice) for choice in accept.split(",")}
    best = max((EVENT_STREAM, NDJSON, JSON), key=lambda content_type: weights.get(content_type, 0.0))
    return best if weights.get(best) else JSON


def error_json(error: RpcFailure) -> bytes:
    """The body of an error answer."""
    return orjson.dumps(error_body(error))


def _content_type(content_type: str) -> Headers:
    return ((b"content-type", content_type.encode()),)


def _event_headers(content_type: str) -> Headers:
    return (*_content_type(content_type), *_NO_BUFFERING)


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _weight(choice: str) -> float:
    match = _WEIGHT.search(choice.lower())
    return float(match[1]) if match else 1.0


def _error_event(error: RpcFailure, last: bytes) -> bytes:
    # A service may cut its events anywhere; without the blank line this one would run into the piece before it.
    gap = b"" if last.endswith(_EVENT_ENDS) or not last else b"\n\n"
    return gap + b"data: " + error_json(error) + b"\n\n"


def _error_line(error: RpcFailure, _: bytes) -> bytes:
    return error_json(error) + b"\n"
