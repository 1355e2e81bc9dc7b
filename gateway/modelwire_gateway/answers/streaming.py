"""How response messages become the bytes of an HTTP answer.

    HttpBody          its bytes, as they are; the content type of the first message
    unary             one JSON document
    server streaming  a JSON array, NDJSON lines or server-sent events, as the caller asked

A `Framing` is pure: each message in, bytes out, and what stands before, after, and in place of the rest
when the call fails half-way. `None` there means that the connection must break instead, so that nobody
takes the half for the whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from modelwire_gateway.answers.rendering import ReadHttpBody, Render
from modelwire_gateway.content_types import EVENT_STREAM, JSON, NDJSON, media_type, weighed
from modelwire_gateway.errors import DetailJson, ErrorShape, RpcFailure, error_body
from modelwire_gateway.metadata import Headers

_RAW_DEFAULT: Final = "application/octet-stream"
_NO_BUFFERING: Final = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
EVENT_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")

ErrorJson = Callable[[RpcFailure], bytes]
"""Writes the body of an error answer."""
LateError = Callable[[RpcFailure, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Framing:
    """How the messages of one answer are written. `render` turns a message into its bytes."""

    headers: Headers
    render: Render
    before: bytes = b""
    between: bytes = b""
    after: bytes = b""
    is_events: bool = False
    is_document: bool = False
    """Whether the beginning is of no use without the rest, so that one message may wait for the next, or the end."""
    late_error: LateError | None = None
    """Tells of a failure, given what was written last; what it makes is the end of the body."""


def http_body_framing(content_type: str, read: ReadHttpBody, error_json: ErrorJson) -> Framing:
    """The framing of google.api.HttpBody messages, by the content type of the first."""
    if not (content_type and content_type.isascii() and content_type.isprintable()):
        content_type = _RAW_DEFAULT
    if media_type(content_type) == EVENT_STREAM:
        late_error = _error_event(error_json)
        return Framing(
            _event_headers(content_type), lambda response: read(response).data, is_events=True, late_error=late_error
        )
    is_document = media_type(content_type) == JSON
    return Framing(_content_type(content_type), lambda response: read(response).data, is_document=is_document)


def unary_framing(to_json: Render) -> Framing:
    return Framing(_content_type(JSON), to_json)


def stream_framings(to_json: Render, error_json: ErrorJson) -> dict[str, Framing]:
    """The framings of a stream of JSON messages, by their content types."""
    events = Framing(
        _event_headers(EVENT_STREAM),
        lambda response: b"data: " + to_json(response) + b"\n\n",
        is_events=True,
        late_error=_error_event(error_json),
    )
    lines = Framing(
        _content_type(NDJSON),
        lambda response: to_json(response) + b"\n",
        late_error=lambda error, _: error_json(error) + b"\n",
    )
    array = Framing(_content_type(JSON), to_json, before=b"[", between=b",", after=b"]")
    return {EVENT_STREAM: events, NDJSON: lines, JSON: array}


def stream_type(accept: str, alt: str | None) -> str:
    """The content type of a stream of JSON messages: `alt` chooses, else the Accept header, else a JSON array."""
    return preferred_framing(accept) if alt is None else {"sse": EVENT_STREAM}.get(alt, JSON)


def preferred_framing(accept: str) -> str:
    """Which of the content types of streams an Accept header names with the greatest weight (RFC 9110, 12.5.1).

    Of equals, events go before lines and lines before an array. Wildcards ask for nothing in particular.
    """
    weights = weighed(accept)
    best = max((EVENT_STREAM, NDJSON, JSON), key=lambda content_type: weights.get(content_type, 0.0))
    return best if weights.get(best) else JSON


def error_writer(shape: ErrorShape, details: DetailJson) -> ErrorJson:
    """Writes error answers of one shape, with what `details` makes of their details."""
    return lambda error: orjson.dumps(error_body(error, shape, details))


def in_stream(shape: ErrorShape, error_json: ErrorJson) -> ErrorJson:
    """The same, as it ends a stream: always below `error`, since a bare status could be taken for a message."""
    return error_json if shape == "openai" else lambda error: b'{"error":%b}' % error_json(error)


def _content_type(content_type: str) -> Headers:
    return ((b"content-type", content_type.encode()),)


def _event_headers(content_type: str) -> Headers:
    return (*_content_type(content_type), *_NO_BUFFERING)


def _error_event(error_json: ErrorJson) -> LateError:
    def event(error: RpcFailure, last: bytes) -> bytes:
        # A service may cut its events anywhere; without the blank line this one would run into the piece before it.
        gap = b"" if last.endswith(EVENT_ENDS) or not last else b"\n\n"
        return gap + b"data: " + error_json(error) + b"\n\n"

    return event
