"""JSON Schemas of messages and enums: one component for each.

The schema that a request must keep stands under the name with `-Input` behind it, where it is another one.
"""

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from typing import Final

from google.api.field_behavior_pb2 import FieldBehavior
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from modelwire_gateway.json_codec.options import enum_type, is_map, json_fields, message_type, overflow_field
from modelwire_gateway.json_codec.styles import rest_style
from modelwire_gateway.json_codec.well_known import WRAPPED_VALUES
from modelwire_gateway.openapi.comments import Comments
from modelwire_gateway.openapi.component_names import ComponentNames
from modelwire_gateway.openapi.roles import Role, behaves, is_required, must_be_filled
from modelwire_gateway.openapi.scalars import NULL, WELL_KNOWN, Schema, key_schema, nullable, scalar_schema
from modelwire_gateway.options import JsonOptions

Place = tuple[int, ...]
"""Numbers of fields, from a message down to the one that is meant."""

_INPUT: Final = "-Input"  # no proto name has a hyphen
_FILLED: Final[Mapping[str, Schema]] = {
    "string": {"minLength": 1},
    "array": {"minItems": 1},
    "object": {"minProperties": 1},
}


class Schemas:
    """The schemas of one document. `apart` are the names of the messages with a schema for each role."""

    def __init__(
        self, options: JsonOptions, comments: Comments, names: ComponentNames, apart: Collection[str] = ()
    ) -> None:
        self.style: Final = rest_style(options)
        self.comments: Final = comments
        self._open = options.unknown_fields == "ignore"
        self._names = names
        self._apart = apart
        self._made: dict[str, Schema] = {}
        self._waiting: list[tuple[str, Descriptor, Role]] = []

    def components(self) -> dict[str, Schema]:
        """All schemas that were referred to, by name."""
        while self._waiting:
            name, message, role = self._waiting.pop()
            self._made[name] = self.object(message, role)
        return dict(sorted(self._made.items()))

    def message(self, message: Descriptor, role: Role) -> Schema:
        """A message: in place where it is a single value, else a reference."""
        if message.full_name in WELL_KNOWN:
            return deepcopy(WELL_KNOWN[message.full_name])
        if message.full_name in WRAPPED_VALUES:
            return self.element(WRAPPED_VALUES[message.full_name], role)
        name = self._names.of(message)
        if role is Role.REQUEST and name in self._apart:
            name += _INPUT
        if name not in self._made:
            self._made[name] = {}
            self._waiting.append((name, message, role))
        return _reference(name)

    def object(self, message: Descriptor, role: Role, without: Collection[Place] = ()) -> Schema:
        """A message as a JSON object of its fields, `without` those that are given elsewhere."""
        kept = [field for field in json_fields(message) if (field.number,) not in without]
        schema: Schema = {"type": "object"}
        if comment := self.comments.of(message.full_name):
            schema["description"] = comment
        if kept:
            schema["properties"] = {self.style.name(field): self._property(field, role, without) for field in kept}
        if required := [self.style.name(field) for field in kept if is_required(field, role, self.style)]:
            schema["required"] = required
        if overflow_field(message):
            schema["additionalProperties"] = True
        elif not self._open:
            schema["additionalProperties"] = False
        return schema | _deprecated(message)

    def field(self, field: FieldDescriptor, role: Role) -> Schema:
        """The value of a whole field: of one element, of a list of them, or of a map."""
        if is_map(field):
            return self._map(field, role)
        if field.is_repeated:
            return {"type": "array", "items": self.element(field, role)}
        schema = self.element(field, role)
        wrapped = field.message_type is not None and field.message_type.full_name in WRAPPED_VALUES
        return nullable(schema) if wrapped else schema

    def element(self, field: FieldDescriptor, role: Role) -> Schema:
        """One value of a field; it is never null to stand for nothing."""
        if field.type == FieldDescriptor.TYPE_ENUM:
            return self._enum(enum_type(field))
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            return self.message(message_type(field), role)
        return scalar_schema(field, text64=self.style.text64(field))

    def _property(self, field: FieldDescriptor, role: Role, without: Collection[Place]) -> Schema:
        inside = [place[1:] for place in without if place[0] == field.number]
        schema = self.object(message_type(field), role, inside) if inside else self.field(field, role)
        if must_be_filled(field, role, self.style):
            schema |= _FILLED.get(schema.get("type", ""), {})
        if description := "\n\n".join(self._told(field)):
            schema["description"] = description
        if behaves(field, FieldBehavior.OUTPUT_ONLY):
            schema["readOnly"] = True
        if behaves(field, FieldBehavior.INPUT_ONLY):
            schema["writeOnly"] = True
        return schema | _deprecated(field)

    def _told(self, field: FieldDescriptor) -> Iterator[str]:
        if comment := self.comments.of(field.full_name):
            yield comment
        members = field.containing_oneof.fields if field.containing_oneof else []
        if len(members) > 1:
            yield f"At most one of {', '.join(f'`{self.style.name(member)}`' for member in members)} is set."

    def _map(self, field: FieldDescriptor, role: Role) -> Schema:
        key, value = (message_type(field).fields_by_name[part] for part in ("key", "value"))
        schema: Schema = {"type": "object", "additionalProperties": self.element(value, role)}
        if names := key_schema(key):
            schema["propertyNames"] = names
        return schema

    def _enum(self, enum: EnumDescriptor) -> Schema:
        if enum.full_name == "google.protobuf.NullValue":
            return dict(NULL)
        name = self._names.of(enum)
        if name not in self._made:
            self._made[name] = self._enum_component(enum)
        return _reference(name)

    def _enum_component(self, enum: EnumDescriptor) -> Schema:
        schema: Schema = {"type": "string", "enum": [value.name for value in enum.values]}
        told = [(value.name, self.comments.of(f"{enum.full_name}.{value.name}")) for value in enum.values]
        values = "\n".join(f"- `{name}`: {' '.join(comment.split())}" for name, comment in told if comment)
        if description := "\n\n".join(part for part in (self.comments.of(enum.full_name), values) if part):
            schema["description"] = description
        return schema | _deprecated(enum)


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _deprecated(element: Descriptor | EnumDescriptor | FieldDescriptor) -> Schema:
    return {"deprecated": True} if element.GetOptions().deprecated else {}
