"""Writers for fields: a scalar or a message behind its tag, many of them, a map.

Each is made once for its field, and appends to the chunks what stands on the wire for it (see struct_encoder).
"""

import re
from collections.abc import Callable
from typing import Final

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .errors import JsonError
from .json_text import JsonValue
from .number_runs import FLOAT_LAYOUTS, float_array
from .options import is_map, message_type, takes_null
from .scalars import Encode, scalar_of
from .struct_encoder import Put
from .wire import LENGTH_DELIMITED, TOO_DEEP, VARINTS, tag, varint

_TRUTHS: Final = {"true": True, "false": False}
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*").fullmatch

PutOf = Callable[[Descriptor], Put]


def field_put(field: FieldDescriptor, put_of: PutOf) -> Put:
    """Writes the JSON value of a field: of one element, of a list of them, or of a map."""
    if is_map(field):
        return _map_put(field, put_of)
    if not field.is_repeated:
        return element_put(field, put_of)
    if field.is_packed:
        return _packed_put(field)
    return _repeated_put(element_put(field, put_of), takes_null(field))


def element_put(field: FieldDescriptor, put_of: PutOf) -> Put:
    """Writes one value behind the field's tag."""
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _message_put(tag(field.number, LENGTH_DELIMITED), put_of(message_type(field)))
    scalar = scalar_of(field)
    head = tag(field.number, scalar.wire_type)
    return (_text_put if scalar.wire_type == LENGTH_DELIMITED else _number_put)(head, scalar.encode)


def _number_put(head: bytes, encode: Encode) -> Put:
    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        chunk = head + encode(value)
        out.append(chunk)
        return len(chunk)

    return put


def _text_put(head: bytes, encode: Encode) -> Put:
    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        text = encode(value)
        size = len(text)
        start = head + (VARINTS[size] if size < 2048 else varint(size))
        out += (start, text)
        return len(start) + size

    return put


def _message_put(head: bytes, put_message: Put) -> Put:
    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        if depth < 1:
            raise JsonError("", TOO_DEEP)
        place = len(out)
        out.append(b"")
        size = put_message(out, value, depth - 1)
        start = out[place] = head + (VARINTS[size] if size < 2048 else varint(size))
        return len(start) + size

    return put


def _repeated_put(put_element: Put, keeps_null: bool) -> Put:
    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        items = items_of(value)
        total = index = 0
        try:
            for index, item in enumerate(items):  # noqa: B007 (used when an item fails)
                if item is None and not keeps_null:
                    raise JsonError("", "must not be null")
                total += put_element(out, item, depth)
        except JsonError as error:
            raise error.inside(index) from None
        return total

    return put


def _packed_put(field: FieldDescriptor) -> Put:
    head = tag(field.number, LENGTH_DELIMITED)
    encode = scalar_of(field).encode
    layout = FLOAT_LAYOUTS.get(field.type)

    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        payload = (_packed_floats(value, layout) if layout else None) or _packed(value, encode)
        start = head + varint(len(payload))
        out += (start, payload)
        return len(start) + len(payload)

    return put


def _packed(value: JsonValue, encode: Encode) -> bytes:
    items = items_of(value)
    chunks: list[bytes] = []
    try:
        for item in items:
            chunks.append(encode(item))  # noqa: PERF401 (the length tells which item failed)
    except JsonError as error:
        raise error.inside(len(chunks)) from None
    return b"".join(chunks)


def _packed_floats(value: JsonValue, layout: str) -> bytes | None:
    """All numbers at once; None where they must be looked at one by one."""
    array = float_array(value) if isinstance(value, list | np.ndarray) else None
    if array is None:
        return None
    with np.errstate(over="ignore"):
        narrowed = array.astype(layout)
    return narrowed.tobytes() if np.isfinite(narrowed).all() else None


def items_of(value: JsonValue) -> list[JsonValue]:
    """The elements of a repeated field; refuses what is no list."""
    if isinstance(value, list):
        return value
    if isinstance(value, np.ndarray):
        items: list[JsonValue] = value.tolist()
        return items
    raise JsonError("", "must be a list")


def _map_put(field: FieldDescriptor, put_of: PutOf) -> Put:
    key_field, value_field = (message_type(field).fields_by_name[name] for name in ("key", "value"))
    put_entry = _message_put(tag(field.number, LENGTH_DELIMITED), _entry_put(key_field, value_field, put_of))

    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        if not isinstance(value, dict):
            raise JsonError("", "must be an object")
        total = 0
        key = ""
        try:
            for key, item in value.items():
                total += put_entry(out, (key, item), depth)
        except JsonError as error:
            raise error.inside(key) from None
        return total

    return put


def _entry_put(key_field: FieldDescriptor, value_field: FieldDescriptor, put_of: PutOf) -> Put:
    put_key, put_value = element_put(key_field, put_of), element_put(value_field, put_of)
    keeps_null = takes_null(value_field)
    read_key = key_reader(key_field)

    def put(out: list[bytes], entry: JsonValue, depth: int) -> int:
        key, value = entry
        if value is None and not keeps_null:
            raise JsonError("", "must not be null")
        return put_key(out, read_key(key), depth) + put_value(out, value, depth)

    return put


def key_reader(field: FieldDescriptor) -> Callable[[str], JsonValue]:
    """From the name of a member to the key's JSON value. Each key has one text, so that none can come twice."""
    if field.type == FieldDescriptor.TYPE_STRING:
        return lambda key: key
    if field.type == FieldDescriptor.TYPE_BOOL:
        return lambda key: _TRUTHS.get(key, key)

    def integer(key: str) -> JsonValue:
        if not _INTEGER(key):
            raise JsonError("", "must be an integer")
        return key

    return integer
