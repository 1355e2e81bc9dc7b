"""Readers for fields, from JSON to what a service reads: a scalar or a message, many of them, a map.

Each is made once for its field. What it makes is what the field's reader of the wire (field_decoders) makes of what its
writer (field_encoders) writes. `ABSENT` stands for what the wire would not hold, or would as a default.
"""

from collections.abc import Callable
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .errors import JsonError
from .field_encoders import items_of, key_reader
from .json_text import JsonValue
from .options import is_map, message_type, takes_null
from .scalars import MUST_BE_STRING, Scalar, raw_value, scalar_of
from .styles import PROTO_NAMES
from .wire import TOO_DEEP, VARINT

ABSENT: Final = object()

# Reads a value. The last argument is how many levels of messages may stand below it.
Read = Callable[[JsonValue, int], JsonValue]
ReadOf = Callable[[Descriptor], Read]


def field_read(field: FieldDescriptor, read_of: ReadOf) -> Read:
    """Reads the JSON value of a field: of one element, of a list of them, or of a map."""
    if is_map(field):
        return _map_read(field, read_of)
    if field.is_repeated:
        return _repeated_read(_element_read(field, read_of), takes_null(field) or field.is_packed)
    if field.has_presence:
        return _element_read(field, read_of)
    return _implicit_read(field)


def message_read(read: Read) -> Read:
    """Reads a message one level further down."""

    def read_message(value: JsonValue, depth: int) -> JsonValue:
        if depth < 1:
            raise JsonError("", TOO_DEEP)
        return read(value, depth - 1)

    return read_message


def _element_read(field: FieldDescriptor, read_of: ReadOf) -> Read:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return message_read(read_of(message_type(field)))
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text
    scalar, decode = scalar_of(field), PROTO_NAMES.scalar(field)
    return lambda value, depth: decode(_raw(scalar, scalar.encode(value)))


def _text(value: JsonValue, depth: int) -> JsonValue:
    if type(value) is not str:
        raise JsonError("", MUST_BE_STRING)
    return value


def _raw(scalar: Scalar, written: bytes) -> int | bytes:
    return raw_value(written, 0, len(written), scalar.wire_type)


def _implicit_read(field: FieldDescriptor) -> Read:
    """For a scalar without presence, whose default is as good as nothing."""
    if field.type == FieldDescriptor.TYPE_STRING:
        return lambda value, depth: _text(value, depth) or ABSENT
    scalar, decode = scalar_of(field), PROTO_NAMES.scalar(field)
    zero = decode(0) if scalar.wire_type == VARINT else None

    def read(value: JsonValue, depth: int) -> JsonValue:
        raw = _raw(scalar, scalar.encode(value))
        if scalar.wire_type != VARINT:
            return ABSENT if raw == scalar.zero else decode(raw)
        given = decode(raw)
        return ABSENT if given == zero else given

    return read


def _repeated_read(read_element: Read, keeps_null: bool) -> Read:
    def read(value: JsonValue, depth: int) -> JsonValue:
        given, items = items_of(value), list[JsonValue]()
        try:
            for item in given:
                if item is None and not keeps_null:
                    raise JsonError("", "must not be null")
                items.append(read_element(item, depth))
        except JsonError as error:
            raise error.inside(len(items)) from None
        return items or ABSENT

    return read


def _map_read(field: FieldDescriptor, read_of: ReadOf) -> Read:
    key_field, value_field = (message_type(field).fields_by_name[name] for name in ("key", "value"))
    read_entry = message_read(_entry_read(key_field, value_field, read_of))

    def read(value: JsonValue, depth: int) -> JsonValue:
        if not isinstance(value, dict):
            raise JsonError("", "must be an object")
        entries: dict[str, JsonValue] = {}
        key = ""
        try:
            for key, item in value.items():
                entries[key] = read_entry((key, item), depth)
        except JsonError as error:
            raise error.inside(key) from None
        return entries or ABSENT

    return read


def _entry_read(key_field: FieldDescriptor, value_field: FieldDescriptor, read_of: ReadOf) -> Read:
    """Reads the value of an entry; its key is its own text, and need only be looked at."""
    look_at, read_value = _element_read(key_field, read_of), _element_read(value_field, read_of)
    keeps_null = takes_null(value_field)
    key_value = key_reader(key_field)

    def read(entry: JsonValue, depth: int) -> JsonValue:
        key, value = entry
        if value is None and not keeps_null:
            raise JsonError("", "must not be null")
        look_at(key_value(key), depth)
        return read_value(value, depth)

    return read
