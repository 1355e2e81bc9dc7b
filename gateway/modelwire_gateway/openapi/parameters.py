"""The parameters of an operation: those of its path, and the query's.

The query parameters are those that binding takes, under one of their names each. Fields of messages that hold
themselves are followed once.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from modelwire_gateway.json_codec.options import json_fields
from modelwire_gateway.openapi.paths import Slot
from modelwire_gateway.openapi.roles import Role, is_required
from modelwire_gateway.openapi.scalars import JSON_TYPES, Schema
from modelwire_gateway.openapi.schemas import Schemas
from modelwire_gateway.requests.query import is_reserved
from modelwire_gateway.routing.field_paths import ONE_VALUE, WITH_TEXT_FORM, FieldPath
from modelwire_gateway.routing.route_rules import Route

Parameter = dict[str, Any]

_DEEPEST: Final = 6
"""How many names a query parameter may have. More are taken, but who would read them all?"""


def path_parameters(route: Route, slots: Sequence[Slot], names: Sequence[str], schemas: Schemas) -> list[Parameter]:
    """The parameters of a path, whose expressions have these names."""
    return [_path_parameter(route, slot, name, schemas) for slot, name in zip(slots, names, strict=True)]


def query_parameters(route: Route, schemas: Schemas) -> list[Parameter]:
    """The parameters of a query: every field that neither path nor body binds, and that a text can stand for."""
    if route.body == "*":
        return []
    found = (_query_parameter(path, schemas) for path in _leaves(route, route.rpc.descriptor.input_type, ()))
    return [parameter for parameter in found if parameter]


def _path_parameter(route: Route, slot: Slot, name: str, schemas: Schemas) -> Parameter:
    schema: Schema = {"type": "string"}
    told = []
    if slot.variable is not None:
        field = route.variables[slot.variable][-1]
        path = route.template.variables[slot.variable].field_path
        told.append(schemas.comments.of(field.full_name))
        if slot.whole:
            schema = schemas.element(field, Role.REQUEST)
        else:
            told.append(f"Stands in `{path}`, which has the form `{slot.pattern}`.")
    if slot.slashes:
        told.append("May hold slashes, as they are.")
    elif schema == {"type": "string"}:
        schema["minLength"] = 1
    return {"name": name, "in": "path", "required": True, **_description(told), "schema": schema}


def _leaves(route: Route, message: Descriptor, path: FieldPath) -> Iterator[FieldPath]:
    for field in json_fields(message):
        place = (*path, field)
        if route.binds(place):
            continue
        inner = field.message_type
        if inner is None or inner.full_name in WITH_TEXT_FORM:
            yield place
        elif _is_followed(place, inner):
            yield from _leaves(route, inner, place)


def _is_followed(path: FieldPath, inner: Descriptor) -> bool:
    """Whether the fields of the message that a path ends at have parameters."""
    is_one = not path[-1].is_repeated and inner.full_name not in ONE_VALUE
    return is_one and len(path) < _DEEPEST and inner not in _holders(path)


def _holders(path: FieldPath) -> list[Descriptor | None]:
    """The messages whose fields a path names."""
    return [field.containing_type for field in path]


def _query_parameter(path: FieldPath, schemas: Schemas) -> Parameter | None:
    spellings = (".".join(map(spell, path)) for spell in (schemas.style.name, _proto_name, _json_name))
    name = next((name for name in spellings if not is_reserved(name)), None)
    if name is None:
        return None
    field = path[-1]
    required = {"required": True} if all(is_required(part, Role.REQUEST, schemas.style) for part in path) else {}
    deprecated = {"deprecated": True} if field.GetOptions().deprecated else {}
    told = _description([schemas.comments.of(field.full_name)])
    return {"name": name, "in": "query", **required, **told, **deprecated, **_text_form(field, schemas)}


def _text_form(field: FieldDescriptor, schemas: Schemas) -> dict[str, Any]:
    """What the text of a query parameter looks like."""
    schema = schemas.element(field, Role.REQUEST)
    is_json = field.message_type is not None and field.message_type.full_name in JSON_TYPES
    if not field.is_repeated:
        return {"content": {"application/json": {"schema": schema}}} if is_json else {"schema": schema}
    # Each comes in a text of its own, which `content` cannot say.
    item = {"type": "string", "contentMediaType": "application/json"} if is_json else schema
    return {"schema": {"type": "array", "items": item}}


def _proto_name(field: FieldDescriptor) -> str:
    return field.name


def _json_name(field: FieldDescriptor) -> str:
    return str(field.json_name)


def _description(parts: Sequence[str]) -> dict[str, str]:
    text = "\n\n".join(part for part in parts if part)
    return {"description": text} if text else {}
