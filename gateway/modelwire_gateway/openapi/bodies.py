"""The request body and the responses of an operation."""

from collections.abc import Iterable
from typing import Any, Final

from modelwire.http.v1 import options_pb2

from modelwire_gateway.content_types import EVENT_STREAM, JSON, NDJSON
from modelwire_gateway.json_codec.options import message_type
from modelwire_gateway.openapi.comments import first_sentence
from modelwire_gateway.openapi.roles import Role, answer_type, is_required
from modelwire_gateway.openapi.scalars import Schema, nullable
from modelwire_gateway.openapi.schemas import Place, Schemas
from modelwire_gateway.routing.field_paths import numbers
from modelwire_gateway.routing.route_rules import Route

Content = dict[str, Any]

# Generated stubs do not say which message an extension extends.
_HTTP_BODY_ANSWER: Final[Any] = options_pb2.http_body_answer
_ANY_TYPE: Final = "*/*"
_ERROR: Final = {"$ref": "#/components/responses/Error"}
_FRAMINGS: Final = (
    "A JSON array, JSON lines or server-sent events, as the `Accept` header or `alt=sse` asks. "
    "The schemas of lines and events are those of one."
)


def request_body(route: Route, schemas: Schemas) -> dict[str, Any] | None:
    """The body that an operation takes; None where it takes none."""
    if route.body is None:
        return None
    if route.takes_http_body:
        return {"content": {_ANY_TYPE: {}}}
    schema = _body_schema(route, schemas)
    if route.rpc.client_streaming:
        lists = {"type": "array", "items": schema}
        return {"content": {JSON: {"schema": lists}, NDJSON: {"schema": schema}}}
    return {"content": {JSON: {"schema": schema}}, **({"required": True} if _needs_body(route, schemas) else {})}


def responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    """The answers of an operation: its success, what the gateway itself refuses, and all other errors."""
    refusals = [400] if route.body is None else [400, 413] if route.takes_http_body else [400, 413, 415]
    errors = {str(status): dict(_ERROR) for status in refusals}
    return {"200": _success(route, schemas), **errors, "default": dict(_ERROR)}


def _body_schema(route: Route, schemas: Schemas) -> Schema:
    """The JSON of a body, without what the path binds."""
    message = route.rpc.descriptor.input_type
    without = _bound_in_path(route)
    if route.body is None or route.body == "*":
        return schemas.object(message, Role.REQUEST, without) if without else schemas.message(message, Role.REQUEST)
    field = route.body
    inside = [place[1:] for place in without if place[0] == field.number and len(place) > 1]
    return schemas.object(message_type(field), Role.REQUEST, inside) if inside else schemas.field(field, Role.REQUEST)


def _bound_in_path(route: Route) -> list[Place]:
    return [numbers(path) for path in route.variables]


def _needs_body(route: Route, schemas: Schemas) -> bool:
    if route.body is None or route.body == "*":
        message = route.rpc.descriptor.input_type
        return "required" in schemas.object(message, Role.REQUEST, _bound_in_path(route))
    return is_required(route.body, Role.REQUEST, schemas.style)


def _success(route: Route, schemas: Schemas) -> dict[str, Any]:
    streams = route.rpc.server_streaming and not route.answers_http_body
    told = _answer_comment(route, schemas)
    success: dict[str, Any] = {"description": f"{told}\n\n{_FRAMINGS}" if streams else told}
    return success if route.http_method == "HEAD" else success | {"content": _answer_content(route, schemas)}


def _answer_comment(route: Route, schemas: Schemas) -> str:
    message = answer_type(route)
    return (first_sentence(schemas.comments.of(message.full_name)) if message else "") or "The answer"


def _answer_content(route: Route, schemas: Schemas) -> Content:
    if route.answers_http_body:
        named: Iterable[str] = route.rpc.descriptor.GetOptions().Extensions[_HTTP_BODY_ANSWER].media_types
        return {media_type: {} for media_type in named} or {_ANY_TYPE: {}}
    schema = _answer_schema(route, schemas)
    if not route.rpc.server_streaming:
        return {JSON: {"schema": schema}}
    event = {"type": "object", "properties": {"data": _json_text(schema)}, "required": ["data"]}
    return {
        JSON: {"schema": {"type": "array", "items": schema}},
        NDJSON: {"schema": schema},
        EVENT_STREAM: {"schema": event},
    }


def _answer_schema(route: Route, schemas: Schemas) -> Schema:
    field = route.response_body
    if field is None:
        return schemas.message(route.rpc.descriptor.output_type, Role.ANSWER)
    schema = schemas.field(field, Role.ANSWER)
    return nullable(schema) if field.has_presence else schema


def _json_text(schema: Schema) -> Schema:
    return {"type": "string", "contentMediaType": JSON, "contentSchema": schema}
