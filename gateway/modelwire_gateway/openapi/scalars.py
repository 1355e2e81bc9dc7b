"""Schemas of the values that are no messages of fields: scalars, and the well-known types with a form of their own."""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

Schema = dict[str, Any]

_INT32: Final[Schema] = {"type": "integer", "format": "int32"}
_UINT32: Final[Schema] = {"type": "integer", "format": "uint32", "minimum": 0}
_INT64: Final[Schema] = {"type": "integer", "format": "int64"}
_UINT64: Final[Schema] = {"type": "integer", "format": "uint64", "minimum": 0}
_INT64_TEXT: Final[Schema] = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
_UINT64_TEXT: Final[Schema] = {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}

_SIGNED_64: Final = (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64, FieldDescriptor.TYPE_SFIXED64)
_UNSIGNED_64: Final = (FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64)
_SCALARS: Final[Mapping[int, Schema]] = {
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    **dict.fromkeys(_SIGNED_64, _INT64),
    **dict.fromkeys(_UNSIGNED_64, _UINT64),
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "format": "byte", "contentEncoding": "base64"},
}
_TEXTS_64: Final[Mapping[int, Schema]] = {
    **dict.fromkeys(_SIGNED_64, _INT64_TEXT),
    **dict.fromkeys(_UNSIGNED_64, _UINT64_TEXT),
}
_INTEGER_KEY: Final[Schema] = {"pattern": "^-?[0-9]+$"}

NULL: Final[Schema] = {"type": "null"}
JSON_TYPES: Final[Mapping[str, Schema]] = {
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
}
"""The messages that hold any JSON of a kind."""
WELL_KNOWN: Final[Mapping[str, Schema]] = {
    **JSON_TYPES,
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["1.5s"]},
    "google.protobuf.FieldMask": {"type": "string", "examples": ["name,owner.fullName"]},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string", "description": "The URL of the type of the message."}},
        "additionalProperties": True,
    },
}
"""The messages that have no fields in JSON; the wrappers aside, which are their values."""


def scalar_schema(field: FieldDescriptor, *, text64: bool) -> Schema:
    """The schema of a field that is neither message nor enum; `text64` if its 64-bit integers are texts."""
    return dict((_TEXTS_64 if text64 else _SCALARS).get(field.type, _SCALARS[field.type]))


def key_schema(key: FieldDescriptor) -> Schema | None:
    """What the names in a map's JSON object look like; None where any text will do."""
    if key.type == FieldDescriptor.TYPE_STRING:
        return None
    return {"enum": ["true", "false"]} if key.type == FieldDescriptor.TYPE_BOOL else dict(_INTEGER_KEY)


def nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    if schema in ({}, NULL):
        return schema
    if isinstance(kind := schema.get("type"), str):
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, dict(NULL)]}
