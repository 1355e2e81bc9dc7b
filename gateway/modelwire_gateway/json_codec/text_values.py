"""Values of fields given as text, in a path or a query."""

from collections.abc import Callable
from typing import Final

from google.protobuf.descriptor import FieldDescriptor

from .errors import JsonError
from .field_encoders import PutOf, element_put
from .json_text import JsonValue, parse_json
from .options import enum_type, is_map, message_type
from .struct_encoder import Put
from .well_known import WELL_KNOWN, WRAPPED_VALUES
from .wire import MAX_DEPTH

_TRUTHS: Final = {"true": True, "false": False}
_JSON_TYPES: Final = {"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"}


class TextEncoder:
    """Writes one value of a field, tag included, read from text; zero values are written like any other.

    Scalars, enums (by name or number), Timestamp, Duration, FieldMask and wrappers are given as proto3 JSON
    has them, without quotes; Struct, Value and ListValue as JSON. One element of a repeated field is one text.
    Raises `JsonError` for maps and all other messages.
    """

    __slots__ = ("_put", "_to_json")

    def __init__(self, field: FieldDescriptor, put_of: PutOf) -> None:
        if is_map(field) or field.type == FieldDescriptor.TYPE_GROUP:
            raise JsonError("", "cannot be given as text")
        self._to_json: Callable[[str], JsonValue] = _to_json(field)
        self._put: Put = element_put(field, put_of)

    def encode(self, text: str) -> bytes:
        """Raises `JsonError` for what the type does not take."""
        chunks: list[bytes] = []
        self._put(chunks, self._to_json(text), MAX_DEPTH)
        return b"".join(chunks)


def _to_json(field: FieldDescriptor) -> Callable[[str], JsonValue]:
    """From text to the JSON value that the field is then written from."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return lambda text: _TRUTHS.get(text, text)
    if field.type == FieldDescriptor.TYPE_ENUM:
        names = frozenset(enum_type(field).values_by_name)
        return lambda text: text if text in names else _enum_number(text)
    if field.type != FieldDescriptor.TYPE_MESSAGE:
        return _same
    name = message_type(field).full_name
    if name in WRAPPED_VALUES:
        return _to_json(WRAPPED_VALUES[name])
    if name in WELL_KNOWN:
        return _same
    if name in _JSON_TYPES:
        return lambda text: parse_json(text.encode())
    raise JsonError("", "cannot be given as text")


def _same(text: str) -> JsonValue:
    return text


def _enum_number(text: str) -> JsonValue:
    return int(text) if len(text) <= 11 and text.removeprefix("-").isdecimal() and text.isascii() else text
