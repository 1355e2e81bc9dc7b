"""google.protobuf.Struct, Value and ListValue, from JSON to what a service reads.

What comes out is what struct_decoder makes of what struct_encoder writes, of the same depth at most and with the same
complaints. Objects and lists are copied, texts are handed on as they are: JSON text with half a surrogate pair in it
was refused as such.
"""

from typing import Final

from .errors import JsonError
from .json_numbers import finite, plain
from .json_text import JsonValue
from .number_runs import float_array, plain_list
from .wire import TOO_DEEP

_EXACT: Final = 2**53  # integers up to here are doubles


def read_struct(value: JsonValue, depth: int) -> JsonValue:
    """A JSON object as a Struct holds it."""
    if not isinstance(value, dict):
        raise JsonError("", "must be an object")
    if depth < 2 and value:  # an entry, and in it a Value
        raise JsonError("", TOO_DEEP)
    out: dict[str, JsonValue] = {}
    key = ""
    try:
        for key, item in value.items():
            out[key] = item if type(item) is str else read_value(item, depth - 2)
    except JsonError as error:
        raise error.inside(key) from None
    return out


def read_list(value: JsonValue, depth: int) -> JsonValue:
    """A JSON list as a ListValue holds it."""
    if not isinstance(value, list):
        raise JsonError("", "must be a list")
    if depth < 1 and value:
        raise JsonError("", TOO_DEEP)
    numbers = float_array(value)
    if numbers is not None:
        return plain_list(numbers)
    out: list[JsonValue] = []
    try:
        for item in value:
            out.append(read_value(item, depth - 1))  # noqa: PERF401 (the length tells which item failed)
    except JsonError as error:
        raise error.inside(len(out)) from None
    return out


def read_value(value: JsonValue, depth: int) -> JsonValue:
    """Any JSON value as a Value holds it."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict or kind is list:
        if depth < 1:
            raise JsonError("", TOO_DEEP)
        return (read_struct if kind is dict else read_list)(value, depth - 1)
    if kind is int and -_EXACT <= value <= _EXACT:
        return value
    if kind is float or kind is int:
        return plain(finite(value))
    raise JsonError("", "is not a JSON value")
