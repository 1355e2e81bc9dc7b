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
from google.api import httpbody_pb2

from modelwire_gateway.errors import RpcFailure, error_body

EVENT_STREAM: Final = "text/event-stream"
NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"
_RAW_DEFAULT: Final = "application/octet-stream"

Render = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Framing:
    """How the messages of one answer are written. `render` turns a message from wire form into its bytes."""

    content_type: str
    render: Render
    before: bytes = b""
    between: bytes = b""
    after: bytes = b""
    late_error: Callable[[RpcFailure], bytes] | None = None


def http_body_framing(first: bytes) -> Framing:
    """The framing of google.api.HttpBody messages, by the `first` one's content type."""
    content_type = httpbody_pb2.HttpBody.FromString(first).content_type or _RAW_DEFAULT
    is_events = content_type.partition(";")[0].strip().lower() == EVENT_STREAM
    return Framing(content_type, http_body_data, late_error=_error_event if is_events else None)


def http_body_data(message: bytes) -> bytes:
    """The payload of a google.api.HttpBody."""
    return bytes(httpbody_pb2.HttpBody.FromString(message).data)


def unary_framing(to_json: Render) -> Framing:
    return Framing(JSON, to_json)


def stream_framing(to_json: Render, accept: str, alt: str | None) -> Framing:
    """The framing of a stream of JSON messages: `alt=sse` or the Accept header choose; a JSON array otherwise."""
    if alt == "sse" or EVENT_STREAM in accept:
        return Framing(EVENT_STREAM, lambda message: b"data: " + to_json(message) + b"\n\n", late_error=_error_event)
    if NDJSON in accept and alt is None:
        return Framing(NDJSON, lambda message: to_json(message) + b"\n", late_error=_error_line)
    return Framing(JSON, to_json, before=b"[", between=b",", after=b"]")


def error_json(error: RpcFailure) -> bytes:
    """The body of an error answer."""
    return orjson.dumps(error_body(error))


def _error_event(error: RpcFailure) -> bytes:
    return b"data: " + error_json(error) + b"\n\n"


def _error_line(error: RpcFailure) -> bytes:
    return error_json(error) + b"\n"
