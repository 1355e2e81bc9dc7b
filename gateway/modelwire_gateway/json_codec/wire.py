"""The protobuf wire format: varints, tags and lengths (protobuf.dev/programming-guides/encoding)."""

from collections.abc import Iterator
from typing import Final

# Levels of messages below the root that every protobuf parser takes by default; map entries count.
MAX_DEPTH: Final = 100
TOO_DEEP: Final = "is nested too deeply"

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2
START_GROUP: Final = 3
END_GROUP: Final = 4
FIXED32: Final = 5

MASK32: Final = (1 << 32) - 1
MASK64: Final = (1 << 64) - 1
_FIXED_SIZES: Final = {FIXED64: 8, FIXED32: 4}


class WireError(Exception):
    """Bytes that are not a protobuf message."""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


VARINTS: Final = tuple(_varint(number) for number in range(2048))


def varint(number: int) -> bytes:
    """A number of 0 … 2**64 - 1 as a varint."""
    return VARINTS[number] if number < 2048 else _varint(number)


def tag(number: int, wire_type: int) -> bytes:
    """What stands before the value of field `number`."""
    return varint(number << 3 | wire_type)


def length_delimited(field_number: int, payload: bytes) -> bytes:
    """A field of a message, string or bytes type whose value is `payload`."""
    return tag(field_number, LENGTH_DELIMITED) + varint(len(payload)) + payload


def read_varint(buf: bytes, pos: int) -> tuple[int, int]:
    """The varint at `pos` and the position after it. Raises `WireError`, IndexError past the end."""
    first = buf[pos]
    if first < 128:
        return first, pos + 1
    second = buf[pos + 1]
    if second < 128:
        return first & 127 | second << 7, pos + 2
    result, shift, pos = first & 127 | (second & 127) << 7, 14, pos + 2
    while True:
        byte = buf[pos]
        pos += 1
        result |= (byte & 127) << shift
        if byte < 128:
            return result & MASK64, pos
        shift += 7
        if shift > 63:
            raise WireError


def read_field(buf: bytes, pos: int, end: int) -> tuple[int, int, int]:
    """The field at `pos`: its tag, and where its value begins and ends. Raises `WireError`."""
    number_and_type, pos = read_varint(buf, pos)
    if not 8 <= number_and_type <= MASK32:
        raise WireError
    start, stop = value_bounds(buf, pos, number_and_type)
    if stop > end:
        raise WireError
    return number_and_type, start, stop


def read_fields(buf: bytes, pos: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Each field between `pos` and `end`. For messages that are rare; others have loops of their own."""
    while pos < end:
        field = read_field(buf, pos, end)
        yield field
        pos = field[2]


def part(buf: bytes, start: int, stop: int) -> bytes:
    """One of several parts of a message, which are to be joined. Raises `WireError` if a field leads out of it."""
    for _ in read_fields(buf, start, stop):
        pass
    return buf[start:stop]


def value_bounds(buf: bytes, pos: int, number_and_type: int) -> tuple[int, int]:
    """Where the value behind a tag begins and ends, its length aside; the end may lie past the buffer."""
    wire_type = number_and_type & 7
    if wire_type == LENGTH_DELIMITED:
        size, pos = read_varint(buf, pos)
        return pos, pos + size
    if wire_type == VARINT:
        return pos, read_varint(buf, pos)[1]
    if wire_type in _FIXED_SIZES:
        return pos, pos + _FIXED_SIZES[wire_type]
    if wire_type == START_GROUP:
        return pos, _end_of_group(buf, pos, number_and_type >> 3)
    raise WireError


def _end_of_group(buf: bytes, pos: int, number: int) -> int:
    open_groups = [number]
    while open_groups:
        number_and_type, pos = read_varint(buf, pos)
        wire_type = number_and_type & 7
        if wire_type == START_GROUP:
            open_groups.append(number_and_type >> 3)
        elif wire_type != END_GROUP:
            pos = value_bounds(buf, pos, number_and_type)[1]
        elif open_groups.pop() != number_and_type >> 3:
            raise WireError
        if len(open_groups) > MAX_DEPTH:
            raise WireError
    return pos
