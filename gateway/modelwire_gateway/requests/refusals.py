"""The gateway's own refusals of requests: what it tells callers whose call the service need not be troubled with."""

from collections.abc import Iterable
from typing import Final

from modelwire_gateway.errors import RpcFailure, failure

_SHOWN: Final = 100


def invalid(field: str, complaint: str) -> RpcFailure:
    """The refusal of a request whose `field`, a path, cannot be what it is."""
    shown = field if len(field) <= _SHOWN else f"{field[:_SHOWN]}…"
    return failure("INVALID_ARGUMENT", complaint, field=shown or None, reason="INVALID_REQUEST")


def unexpected_body() -> RpcFailure:
    return failure("INVALID_ARGUMENT", "this route takes no body")


def wrong_content_type(wanted: str, content_type: str | None) -> RpcFailure:
    told = f"the content type must be {wanted}, in UTF-8, not {content_type or ''!s:.80}"
    return failure("INVALID_ARGUMENT", told, reason="CONTENT_TYPE_NOT_SUPPORTED", http_status=415)


def too_large(max_bytes: int, what: str = "the request body") -> RpcFailure:
    # Closing is what makes the client stop sending the rest.
    return failure(
        "RESOURCE_EXHAUSTED",
        f"{what} is larger than {max_bytes} bytes",
        reason="REQUEST_TOO_LARGE",
        http_status=413,
        headers=[("connection", "close")],
    )


def method_not_allowed(method: str, allowed: Iterable[str]) -> RpcFailure:
    named = ", ".join(allowed)
    return failure(
        "UNIMPLEMENTED",
        f"{method} is not allowed here, only {named}",
        reason="METHOD_NOT_ALLOWED",
        http_status=405,
        headers=[("allow", named)],
    )


def route_not_found(method: str, path: str, known: str) -> RpcFailure:
    return failure("NOT_FOUND", f"no route for {method} {path}; there are: {known}", reason="ROUTE_NOT_FOUND")


def routes_unknown() -> RpcFailure:
    return failure(
        "UNAVAILABLE",
        "the routes are not known yet: the service has not told what it serves; try again",
        reason="ROUTES_UNKNOWN",
        headers=[("retry-after", "1")],
    )


def shutting_down() -> RpcFailure:
    """The refusal by a server that is about to end; another one is to be found, or this one again, over a fresh
    connection."""
    return failure(
        "UNAVAILABLE", "the server is shutting down", headers=[("retry-after", "1"), ("connection", "close")]
    )
