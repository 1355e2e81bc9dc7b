"""From path values, query and body to the request message in wire form.

Messages in wire form merge when they are concatenated, and of a singular field the last record counts. So
the body's wire, the query's and the path's follow each other, in the order of their rank. Two things keep
that true: values are written in full even when they are zero, and a query key that names what the path
or the body binds is passed over, under whatever spelling, oneofs included.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from modelwire_gateway.backends.base import Request
from modelwire_gateway.content_types import JSON
from modelwire_gateway.json_codec import Codecs, JsonError, JsonValue, length_delimited, parse_json
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.requests.body_types import body_type, cutter_for
from modelwire_gateway.requests.messages import (
    BodylessMessages,
    Encode,
    HttpBodyMessages,
    JsonMessages,
    RequestMessages,
    inside_field,
)
from modelwire_gateway.requests.refusals import invalid, too_large, unexpected_body, wrong_content_type
from modelwire_gateway.routing.field_paths import (
    FieldNames,
    FieldPath,
    FieldPathError,
    UnknownField,
    numbers,
    oneof_choices,
    resolve,
)
from modelwire_gateway.routing.route_rules import Route

QueryFields = Sequence[tuple[str, str]]

# JSON grows on the wire by less than this: of a list of Values, `0,` becomes a tag of up to five bytes, a length, and a
# number of nine.
_GROWTH: Final = 8

_Made = TypeVar("_Made")


class Binder:
    """Makes the requests of one route. Raises RpcFailure INVALID_ARGUMENT naming the field that is at fault.

    `captures` are the decoded values of the route's variables, in their order; `query` has keys and values, decoded;
    `content_type` is the header's value. With `takes_json` whole requests may be made for who takes them as JSON.
    """

    def __init__(
        self, route: Route, codecs: Codecs, names: FieldNames, options: GatewayOptions, *, takes_json: bool = False
    ) -> None:
        self._route = route
        self._request = route.rpc.descriptor.input_type
        self._encode_text = codecs.encode_text
        self._names = names
        self._options = options
        self._encode = _encode(route, codecs)
        reads = takes_json and route.body == "*" and not route.takes_http_body
        self._read = codecs.request_reader(self._request) if reads else None
        self._read_bytes = options.max_request_bytes // _GROWTH
        self._body_number = None if route.body is None or route.body == "*" else route.body.number

    def request(self, captures: Sequence[str], query: QueryFields, body: bytes, content_type: str | None) -> Request:
        """The request message, as JSON if it may be; raises as `message` does.

        In wire form wherever that could be over the limit, and where path and query bind something.
        """
        if self._read is None or not 0 < len(body) <= self._read_bytes or captures or query:
            return self.message(captures, query, body, content_type)
        request: Request = self._from_json(self._read, body, content_type)
        return request

    def message(self, captures: Sequence[str], query: QueryFields, body: bytes, content_type: str | None) -> bytes:
        """The request message, in wire form.

        Raises RpcFailure as 415 too, where the body is of another type than JSON and the rule does not take it raw,
        and as 413 for a message over the limit.
        """
        wire = self._body_wire(body, content_type)
        if query or captures:
            wire += self._bound(captures, query)
        if len(wire) > self._options.max_request_bytes:
            # Lists of numbers are longer on the wire than in JSON, and no remote service would take them.
            raise too_large(self._options.max_request_bytes)
        return wire

    def messages(self, captures: Sequence[str], query: QueryFields, content_type: str | None) -> RequestMessages:
        """What makes the request messages, in wire form, of a method that takes a stream of them. Raises as 415 too."""
        route, limit = self._route, self._options.max_request_bytes
        bound = self._bound(captures, query)
        if self._encode is None:
            return BodylessMessages(bound)
        if route.takes_http_body:
            return HttpBodyMessages(content_type or "", self._body_number, bound, limit)
        return JsonMessages(cutter_for(content_type), self._encode, bound, limit)

    def _body_wire(self, body: bytes, content_type: str | None) -> bytes:
        if self._encode is None:
            if body:
                raise unexpected_body()
            return b""
        if self._route.takes_http_body:
            return self._http_body_wire(body, content_type or "")
        return self._from_json(self._encode, body, content_type) if body else b""

    def _from_json(self, convert: Callable[[JsonValue, str], _Made], body: bytes, content_type: str | None) -> _Made:
        if body_type(content_type) != JSON:
            raise wrong_content_type(JSON, content_type)
        try:
            return convert(parse_json(body), "")
        except JsonError as error:
            raise invalid(error.path, error.reason) from None

    def _http_body_wire(self, body: bytes, content_type: str) -> bytes:
        """The body as a google.api.HttpBody: its bytes as they are, whatever their type."""
        if not (body or content_type):
            return b""
        wire = length_delimited(1, content_type.encode()) + length_delimited(2, body)
        return inside_field(self._body_number, wire)

    def _bound(self, captures: Sequence[str], query: QueryFields) -> bytes:
        """The wire of what query and path bind."""
        wire = self._query_wire(query) if query else b""
        return wire + b"".join(map(self._path_wire, self._route.variables, captures)) if captures else wire

    def _query_wire(self, query: QueryFields) -> bytes:
        given = _Given()
        wire = []
        for key, text in query:
            path = self._query_path(key)
            if path and not self._route.binds(path):
                given.add(path, key)
                wire.append(self._value_wire(path, text, key))
        return b"".join(wire)

    def _query_path(self, key: str) -> FieldPath:
        """The field that a query key names; none where it is to be ignored."""
        try:
            if self._route.body == "*":
                raise UnknownField("no query parameter is taken here: the whole request is in the body")
            return resolve(self._request, key.split("."), self._names.of)
        except FieldPathError as error:
            if isinstance(error, UnknownField) and self._options.unknown_query == "ignore":
                return ()
            raise invalid(key, str(error)) from None

    def _path_wire(self, path: FieldPath, text: str) -> bytes:
        return self._value_wire(path, text, ".".join(field.name for field in path))

    def _value_wire(self, path: FieldPath, text: str, key: str) -> bytes:
        """The wire of a field's value inside the messages that the field stands in."""
        try:
            wire = self._encode_text(path[-1], text)
        except JsonError as error:
            raise invalid(key, str(error)) from None
        for field in reversed(path[:-1]):
            wire = length_delimited(field.number, wire)
        return wire


class _Given:
    """What a query has given so far."""

    def __init__(self) -> None:
        self._places: set[tuple[int, ...]] = set()
        self._chosen: dict[tuple[int | str, ...], int] = {}

    def add(self, path: FieldPath, key: str) -> None:
        """Refuses a singular field that comes twice, and two members of one oneof."""
        place = numbers(path)
        if place in self._places and not path[-1].is_repeated:
            raise invalid(key, "is given more than once")
        self._places.add(place)
        for oneof, member in oneof_choices(path):
            if self._chosen.setdefault(oneof, member) != member:
                raise invalid(key, f"excludes another parameter: only one field of {oneof[-1]!r} may be given")


def _encode(route: Route, codecs: Codecs) -> Encode | None:
    """What writes a JSON value as the whole request, or as the field that the body is; None where no body is taken."""
    field = route.body
    if field is None:
        return None
    if field == "*":
        return codecs.message(route.rpc.descriptor.input_type).encode
    encode = codecs.field_encoder(field)

    def encode_field(value: JsonValue, path: str) -> bytes:
        return encode(value, f"{path}.{field.name}" if path else field.name)

    return encode_field
