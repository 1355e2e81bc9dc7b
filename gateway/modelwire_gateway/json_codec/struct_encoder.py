"""google.protobuf.Struct, Value and ListValue, from JSON.

They are the bulk of what is carried, and written here by hand: the entries of a Struct in the order of the
JSON object, which no protobuf runtime keeps. Writers append chunks and return how many bytes they are; the
place of a chunk that holds a length is kept and filled when the length is known, so that nothing is copied
once more for each level it stands in.
"""

import struct
from collections.abc import Callable
from typing import Final

import numpy as np

from .errors import JsonError
from .json_numbers import finite
from .json_text import JsonValue
from .number_runs import encode_values
from .scalars import LONE_SURROGATE
from .wire import TOO_DEEP, VARINTS, varint

# Appends a message's bytes to the chunks and returns their length. The last argument is how many levels of
# messages may stand below it.
Put = Callable[[list[bytes], JsonValue, int], int]

_BOOLS: Final = (b"\x20\x00", b"\x20\x01")
_pack_number: Final = struct.Struct("<cd").pack


def put_struct(out: list[bytes], value: JsonValue, depth: int) -> int:
    """A JSON object as a Struct."""
    if not isinstance(value, dict):
        raise JsonError("", "must be an object")
    if depth < 2 and value:  # an entry, and in it a Value
        raise JsonError("", TOO_DEEP)
    total = 0
    key = ""
    try:
        for key, item in value.items():
            place = len(out)
            out.append(b"")
            size = put_value(out, item, depth - 2)
            name = key.encode()
            length = len(name)
            head = b"".join((b"\n", VARINTS[length] if length < 2048 else varint(length), name, b"\x12", varint(size)))
            length = len(head) + size
            head = b"".join((b"\n", VARINTS[length] if length < 2048 else varint(length), head))
            out[place] = head
            total += len(head) + size
    except JsonError as error:
        raise error.inside(key) from None
    except UnicodeEncodeError:
        raise JsonError("", LONE_SURROGATE).inside(key) from None
    return total


def put_list(out: list[bytes], value: JsonValue, depth: int) -> int:
    """A JSON list, or a one-dimensional array of floats, as a ListValue."""
    if not isinstance(value, list | np.ndarray):
        raise JsonError("", "must be a list")
    if depth < 1 and len(value):
        raise JsonError("", TOO_DEEP)
    run = encode_values(value)
    if run is not None:
        out.append(run)
        return len(run)
    total = index = 0
    try:
        items = value if isinstance(value, list) else value.tolist()
        for index, item in enumerate(items):  # noqa: B007 (used when an item fails)
            place = len(out)
            out.append(b"")
            size = put_value(out, item, depth - 1)
            head = out[place] = b"\n" + (VARINTS[size] if size < 2048 else varint(size))
            total += len(head) + size
    except JsonError as error:
        raise error.inside(index) from None
    return total


def put_value(out: list[bytes], value: JsonValue, depth: int) -> int:
    """Any JSON value as a Value."""
    kind = type(value)
    if kind is str:
        return _put_text(out, value)
    if kind is dict:
        return _put_nested(out, b"\x2a", put_struct, value, depth)
    if kind is float or kind is int:
        out.append(_pack_number(b"\x11", finite(value)))
        return 9
    if kind is bool or value is None:
        out.append(b"\x08\x00" if value is None else _BOOLS[value])
        return 2
    if kind is list or kind is np.ndarray:
        return _put_nested(out, b"\x32", put_list, value, depth)
    raise JsonError("", "is not a JSON value")


def _put_text(out: list[bytes], value: str) -> int:
    try:
        text = value.encode()
    except UnicodeEncodeError:
        raise JsonError("", LONE_SURROGATE) from None
    length = len(text)
    head = b"\x1a" + (VARINTS[length] if length < 2048 else varint(length))
    out.append(head)
    out.append(text)
    return len(head) + length


def _put_nested(out: list[bytes], tag: bytes, put: Put, value: JsonValue, depth: int) -> int:
    if depth < 1:
        raise JsonError("", TOO_DEEP)
    place = len(out)
    out.append(b"")
    size = put(out, value, depth - 1)
    head = out[place] = tag + (VARINTS[size] if size < 2048 else varint(size))
    return len(head) + size
