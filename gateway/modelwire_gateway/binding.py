"""From path values, query and body to the request message in wire form.

Messages in wire form merge when they are concatenated, and of a singular field the last record counts. So
the body's wire, the query's and the path's follow each other, in the order of their rank. Two things keep
that true: values are written in full even when they are zero, and a query key that names what the path
or the body binds is passed over, under whatever spelling, oneofs included.
"""

from functools import lru_cache
from typing import Final

from modelwire_gateway.errors import RpcFailure, failure
from modelwire_gateway.field_paths import (
    FieldPath,
    FieldPathError,
    UnknownField,
    by_either_name,
    numbers,
    oneof_choices,
    resolve,
)
from modelwire_gateway.json_codec import (
    JsonError,
    MessageCodec,
    encode_text,
    field_encoder,
    length_delimited,
    parse_json,
)
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.query import query_fields
from modelwire_gateway.routes import Match, Route

_SHOWN: Final = 100
_CHARSETS: Final = ("utf-8", "utf8")


def bind_request(match: Match, query: bytes, body: bytes, content_type: str | None, options: GatewayOptions) -> bytes:
    """The request message, in wire form, of a matched HTTP request.

    `query` is undecoded, `content_type` the header's value. Raises RpcFailure INVALID_ARGUMENT naming the
    field at fault; as 415 where the body is of another type than JSON and the rule does not take it raw.
    """
    route = match.route
    wire = _body_wire(route, body, content_type)
    if query:
        wire += _query_wire(route, query, options)
    if route.variables:
        wire += b"".join(map(_path_wire, route.variables, match.captures))
    return wire


def _body_wire(route: Route, body: bytes, content_type: str | None) -> bytes:
    if route.body is None:
        if body:
            raise failure("INVALID_ARGUMENT", "this route takes no body")
        return b""
    if route.takes_http_body:
        return _http_body_wire(route, body, content_type or "")
    if not body:
        return b""
    if not _is_json(content_type):
        told = f"the content type must be application/json, in UTF-8, not {content_type or ''!s:.80}"
        raise failure("INVALID_ARGUMENT", told, reason="CONTENT_TYPE_NOT_SUPPORTED", http_status=415)
    try:
        value = parse_json(body)
        if route.body == "*":
            return MessageCodec.of(route.rpc.descriptor.input_type).encode(value)
        return field_encoder(route.body)(value, route.body.name)
    except JsonError as error:
        raise _bad(error.path, error.reason) from None


def _http_body_wire(route: Route, body: bytes, content_type: str) -> bytes:
    """The body as a google.api.HttpBody: its bytes as they are, whatever their type."""
    if not (body or content_type):
        return b""
    wire = length_delimited(1, content_type.encode()) + length_delimited(2, body)
    return wire if route.body is None or route.body == "*" else length_delimited(route.body.number, wire)


@lru_cache(maxsize=64)
def _is_json(content_type: str | None) -> bool:
    """Whether a body of this type is JSON in UTF-8; without a type it is."""
    if content_type is None:
        return True
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = (part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset="))
    return (media_type == "application/json" or media_type.endswith("+json")) and all(
        charset in _CHARSETS for charset in charsets
    )


def _query_wire(route: Route, query: bytes, options: GatewayOptions) -> bytes:
    given = _Given()
    wire = []
    for key, text in query_fields(query):
        path = _query_path(route, key, options)
        if path and not _is_bound(route, path):
            given.add(path, key)
            wire.append(_nested(path, _value_wire(path, text, key)))
    return b"".join(wire)


def _query_path(route: Route, key: str, options: GatewayOptions) -> FieldPath:
    """The field that a query key names; none where it is to be ignored."""
    try:
        if route.body == "*":
            raise UnknownField("no query parameter is taken here: the whole request is in the body")
        return resolve(route.rpc.descriptor.input_type, key.split("."), by_either_name)
    except FieldPathError as error:
        if isinstance(error, UnknownField) and options.unknown_query == "ignore":
            return ()
        raise _bad(key, str(error)) from None


def _is_bound(route: Route, path: FieldPath) -> bool:
    """Whether path or body bind a field or what it stands in, or choose another member of its oneof."""
    place = numbers(path)
    return any(place[:depth] in route.bound for depth in range(1, len(place) + 1)) or any(
        route.chosen.get(oneof, member) != member for oneof, member in oneof_choices(path)
    )


class _Given:
    """What a query has given so far."""

    def __init__(self) -> None:
        self._places: set[tuple[int, ...]] = set()
        self._chosen: dict[tuple[int | str, ...], int] = {}

    def add(self, path: FieldPath, key: str) -> None:
        """Refuses a singular field that comes twice, and two members of one oneof."""
        place = numbers(path)
        if place in self._places and not path[-1].is_repeated:
            raise _bad(key, "is given more than once")
        self._places.add(place)
        for oneof, member in oneof_choices(path):
            if self._chosen.setdefault(oneof, member) != member:
                raise _bad(key, f"excludes another parameter: only one field of {oneof[-1]!r} may be given")


def _path_wire(path: FieldPath, text: str) -> bytes:
    return _nested(path, _value_wire(path, text, ".".join(field.name for field in path)))


def _value_wire(path: FieldPath, text: str, key: str) -> bytes:
    try:
        return encode_text(path[-1], text)
    except JsonError as error:
        raise _bad(key, str(error)) from None


def _nested(path: FieldPath, wire: bytes) -> bytes:
    """The wire of a field inside the messages that it stands in."""
    for field in reversed(path[:-1]):
        wire = length_delimited(field.number, wire)
    return wire


def _bad(field: str, message: str) -> RpcFailure:
    shown = field if len(field) <= _SHOWN else f"{field[:_SHOWN]}…"
    return failure("INVALID_ARGUMENT", message, field=shown or None, reason="INVALID_REQUEST")
