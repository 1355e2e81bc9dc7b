"""google.protobuf.Struct, Value and ListValue, to JSON.

Each message is expected in the one shape that writers give it, and recognised byte by byte. Whatever else the
wire format allows (fields twice, out of order, unknown) shows by its shape before anything inside was read,
and goes through `read_fields`. So nothing is read twice, however it is nested. `struct` and `list_value` each
step over their elements themselves: a function that read the length for both would make them a tenth slower.

Lengths that lead past the end of a message are noticed where that message ends, at the latest; positions past
the end of the buffer raise IndexError or struct.error, which the caller takes for a malformed message.
"""

import struct
from collections.abc import Callable
from typing import Final

from .errors import JsonError
from .json_numbers import plain
from .json_text import JsonValue
from .number_runs import Floats, decode_values
from .scalars import text
from .wire import TOO_DEEP, WireError, part, read_field, read_fields, read_varint

# Reads the message between two positions. The last argument is how many levels of messages may stand below it.
Decode = Callable[[bytes, int, int, int], JsonValue]

_ENTRY, _KEY, _VALUE, _ITEM = 0x0A, 0x0A, 0x12, 0x0A
_NULL, _NUMBER, _STRING, _BOOL, _STRUCT, _LIST = 0x08, 0x11, 0x1A, 0x20, 0x2A, 0x32
_KINDS: Final = frozenset((_NULL, _NUMBER, _STRING, _BOOL, _STRUCT, _LIST))
_NESTED: Final = frozenset((_STRUCT, _LIST))
_DELIMITED: Final = _NESTED | {_STRING}
_unpack_double: Final = struct.Struct("<d").unpack


class StructDecoder:
    """Reads the three messages. `numbers` gives long lists of numbers their form."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Callable[[Floats], JsonValue]) -> None:
        self._numbers = numbers

    def struct(self, buf: bytes, pos: int, end: int, depth: int) -> dict[str, JsonValue]:
        """A Struct as an object. Of entries with one key the last stands."""
        if depth < 2 and pos < end:  # an entry, and in it a Value
            raise JsonError("", TOO_DEEP)
        out: dict[str, JsonValue] = {}
        while pos < end:
            if buf[pos] != _ENTRY:
                pos = read_field(buf, pos, end)[2]
                continue
            size = buf[pos + 1]
            pos += 2
            if size > 127:
                size, pos = read_varint(buf, pos - 1)
            stop = pos + size
            if stop > end:
                raise WireError
            self._entry(out, buf, pos, stop, depth - 2)
            pos = stop
        return out

    def list_value(self, buf: bytes, pos: int, end: int, depth: int) -> JsonValue:
        """A ListValue as a list, or as what stands for a long list of numbers."""
        if depth < 1 and pos < end:
            raise JsonError("", TOO_DEEP)
        numbers = decode_values(buf, pos, end)
        if numbers is not None:
            return self._numbers(numbers)
        out: list[JsonValue] = []
        try:
            while pos < end:
                if buf[pos] != _ITEM:
                    pos = read_field(buf, pos, end)[2]
                    continue
                size = buf[pos + 1]
                pos += 2
                if size > 127:
                    size, pos = read_varint(buf, pos - 1)
                stop = pos + size
                if stop > end:
                    raise WireError
                out.append(self.value(buf, pos, stop, depth - 1))
                pos = stop
        except JsonError as error:
            raise error.inside(len(out)) from None
        return out

    def value(self, buf: bytes, pos: int, end: int, depth: int) -> JsonValue:
        """A Value as what it holds; one that holds nothing is null."""
        if pos == end:
            return None
        kind = buf[pos]
        if kind in _DELIMITED:
            size = buf[pos + 1]
            start = pos + 2
            if size > 127:
                size, start = read_varint(buf, pos + 1)
            if start + size == end:
                return text(buf[start:end]) if kind == _STRING else self._nested(kind, buf, start, end, depth)
        elif kind == _NUMBER and end - pos == 9:
            return _number(buf[pos + 1 : end])
        elif kind == _BOOL and end - pos == 2 and buf[pos + 1] < 128:
            return buf[pos + 1] != 0
        return self._odd_value(buf, pos, end, depth)

    def _nested(self, kind: int, buf: bytes, pos: int, end: int, depth: int) -> JsonValue:
        if depth < 1:
            raise JsonError("", TOO_DEEP)
        return (self.struct if kind == _STRUCT else self.list_value)(buf, pos, end, depth - 1)

    def _odd_value(self, buf: bytes, pos: int, end: int, depth: int) -> JsonValue:
        """The kind set last stands; parts of one Struct or ListValue in a row are one.

        What is replaced is read too: it must be well-formed, for every parser.
        """
        kind, held = _NULL, bytearray()
        for tag, start, stop in read_fields(buf, pos, end):
            if tag not in _KINDS:
                continue
            if tag != kind or tag not in _NESTED:
                if held and kind in _DELIMITED:
                    self._held(kind, bytes(held), depth)
                kind, held = tag, bytearray()
            held += part(buf, start, stop) if tag in _NESTED else buf[start:stop]
        return self._held(kind, bytes(held), depth)

    def _held(self, kind: int, raw: bytes, depth: int) -> JsonValue:
        if kind == _NULL:
            return None
        if kind == _BOOL:
            return read_varint(raw, 0)[0] != 0
        if kind == _NUMBER:
            return _number(raw)
        if kind == _STRING:
            return text(raw)
        return self._nested(kind, raw, 0, len(raw), depth)

    def _entry(self, out: dict[str, JsonValue], buf: bytes, pos: int, end: int, depth: int) -> None:
        key_at, key_end, value_at = _parts(buf, pos, end)
        if value_at:
            key = text(buf[key_at:key_end])
        else:
            key, buf = _odd_entry(buf, pos, end)
            value_at, end = 0, len(buf)
        try:
            out[key] = self.value(buf, value_at, end, depth)
        except JsonError as error:
            raise error.inside(key) from None


def _parts(buf: bytes, pos: int, end: int) -> tuple[int, int, int]:
    """Where key and value of an entry stand that is one key and one value; otherwise zeros."""
    if end - pos > 3 and buf[pos] == _KEY:
        size = buf[pos + 1]
        key_at = pos + 2
        if size > 127:
            size, key_at = read_varint(buf, pos + 1)
        key_end = key_at + size
        if key_end < end and buf[key_end] == _VALUE:
            size = buf[key_end + 1]
            value_at = key_end + 2
            if size > 127:
                size, value_at = read_varint(buf, key_end + 1)
            if value_at + size == end:
                return key_at, key_end, value_at
    return 0, 0, 0


def _odd_entry(buf: bytes, pos: int, end: int) -> tuple[str, bytes]:
    key, value = "", bytearray()
    for tag, start, stop in read_fields(buf, pos, end):
        if tag == _KEY:
            key = text(buf[start:stop])
        elif tag == _VALUE:
            value += part(buf, start, stop)
    return key, bytes(value)


def _number(raw: bytes) -> JsonValue:
    number: float = _unpack_double(raw)[0]
    if number - number != 0:
        raise JsonError("", "is not a finite number")
    return plain(number)
