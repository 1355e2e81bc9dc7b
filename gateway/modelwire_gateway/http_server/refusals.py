"""What the edge answers by itself, before or instead of the app, and how that looks on the wire."""

from collections.abc import Iterable

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from modelwire_gateway.errors import RpcFailure, error_body, failure


def malformed() -> RpcFailure:
    return failure("INVALID_ARGUMENT", "the request is not well-formed HTTP/1.1")


def no_host() -> RpcFailure:
    told = "the request needs one Host header that names a host, and a port at most, as its URL does if there is one"
    return failure("INVALID_ARGUMENT", told)


def headers_too_large(limit: int) -> RpcFailure:
    return failure("INVALID_ARGUMENT", f"the request headers are larger than {limit} bytes", http_status=431)


def too_slow(seconds: float) -> RpcFailure:
    return failure("DEADLINE_EXCEEDED", f"the request did not arrive within {seconds:g} s", http_status=408)


def too_far_ahead() -> RpcFailure:
    return failure("RESOURCE_EXHAUSTED", "too much was sent ahead of the answers; wait for them, or use connections")


def not_tls() -> RpcFailure:
    return failure("INVALID_ARGUMENT", "this port is for TLS: use https")


def no_tunnels() -> RpcFailure:
    return failure("UNIMPLEMENTED", "CONNECT is not served here")


def too_many() -> RpcFailure:
    told = "the server has as many connections as it takes; try again"
    return failure("UNAVAILABLE", told, reason="OVERLOADED", headers=[("retry-after", "1")])


def response_parts(error: RpcFailure, default_headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """The head and the body of the HTTP/1.1 response to `error`, after which the connection closes."""
    body = orjson.dumps(error_body(error))
    headers = [
        *default_headers,
        *((name.encode(), value.encode()) for name, value in error.headers if name != "connection"),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return STATUS_LINE[error.http_status] + lines + b"\r\n", body
