"""The scalar types of protobuf: how each is read from JSON onto the wire, and from the wire to JSON.

One table, a row for each type. `encode` gives the bytes that follow the tag (and the length, for types that
have one). `decode` takes what the wire held: the number for varints, the bytes for all others.
"""

import base64
import binascii
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from .errors import JsonError, clip
from .json_numbers import double, integer, json_double, shortest_float32
from .json_text import JsonValue
from .options import enum_type
from .wire import FIXED32, FIXED64, LENGTH_DELIMITED, MASK32, MASK64, VARINT, read_varint, varint

Encode = Callable[[JsonValue], bytes]
Decode = Callable[[Any], JsonValue]
MUST_BE_STRING: Final = "must be a string"
LONE_SURROGATE: Final = "has a lone surrogate"
INVALID_UTF8: Final = "is not valid UTF-8"

_ZEROS: Final[Mapping[int, int | bytes]] = {VARINT: 0, FIXED64: bytes(8), FIXED32: bytes(4), LENGTH_DELIMITED: b""}
_FLOAT: Final = struct.Struct("<f")
_DOUBLE: Final = struct.Struct("<d")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar type. `wide` integers have 64 bits: JSON holds them as text."""

    wire_type: int
    encode: Encode
    decode: Decode
    wide: bool = False

    @property
    def zero(self) -> int | bytes:
        """What `decode` takes for a field the wire does not hold."""
        return _ZEROS[self.wire_type]


def scalar_of(field: FieldDescriptor) -> Scalar:
    """The row of a field that is neither a message nor a group."""
    if field.type == FieldDescriptor.TYPE_ENUM:
        return _enum(enum_type(field))
    return _SCALARS[field.type]


def raw_value(buf: bytes, start: int, stop: int, wire_type: int) -> int | bytes:
    """What `Scalar.decode` takes, out of where the value stands in a message."""
    return read_varint(buf, start)[0] if wire_type == VARINT else buf[start:stop]


def utf8(value: JsonValue) -> bytes:
    if not isinstance(value, str):
        raise JsonError("", MUST_BE_STRING)
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise JsonError("", LONE_SURROGATE) from None


def text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise JsonError("", INVALID_UTF8) from None


def signed32(number: int) -> int:
    return (number & MASK32 ^ 0x80000000) - 0x80000000


def signed64(number: int) -> int:
    return (number ^ 1 << 63) - (1 << 63)


def _unsigned32(number: int) -> int:
    return number & MASK32


def _same(number: int) -> int:
    return number


def _zigzag32(number: int) -> int:
    return (number & MASK32) >> 1 ^ -(number & 1)


def _zigzag64(number: int) -> int:
    return number >> 1 ^ -(number & 1)


def _ranged(bits: int, signed: bool, write: Callable[[int], bytes]) -> Encode:
    low, high = (-1 << bits - 1, (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def encode(value: JsonValue) -> bytes:
        number = value if type(value) is int else integer(value)
        if not low <= number <= high:
            raise JsonError("", f"must be from {low} to {high}")
        return write(number)

    return encode


def _write_varint(number: int) -> bytes:
    return varint(number & MASK64)


def _write_zigzag(number: int) -> bytes:
    return varint(number << 1 if number >= 0 else ~(number << 1))


def _unpacked(layout: str) -> Callable[[bytes], Any]:
    unpack = struct.Struct(layout).unpack
    return lambda raw: unpack(raw)[0]


def _fixed(layout: str, signed: bool) -> Scalar:
    packer = struct.Struct(layout)
    wide = packer.size == 8
    return Scalar(
        FIXED64 if wide else FIXED32, _ranged(packer.size * 8, signed, packer.pack), _unpacked(layout), wide=wide
    )


def _encode_double(value: JsonValue) -> bytes:
    return _DOUBLE.pack(value if type(value) is float and value - value == 0 else double(value))


def _encode_float(value: JsonValue) -> bytes:
    try:
        return _FLOAT.pack(double(value))
    except OverflowError:
        raise JsonError("", "is out of the range of a float") from None


def _decode_double(raw: bytes) -> JsonValue:
    return json_double(_DOUBLE.unpack(raw)[0])


def _decode_float(raw: bytes) -> JsonValue:
    number = _FLOAT.unpack(raw)[0]
    return json_double(shortest_float32(number) if number - number == 0 else number)


def _encode_bool(value: JsonValue) -> bytes:
    if value is True:
        return b"\x01"
    if value is False:
        return b"\x00"
    raise JsonError("", "must be true or false")


def _encode_bytes(value: JsonValue) -> bytes:
    """Base64 of either alphabet, padded or not."""
    if not isinstance(value, str):
        raise JsonError("", "must be a base64 string")
    standard = value.replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(
            standard if "=" in standard else standard + "=" * (-len(standard) % 4), strict_mode=True
        )
    except ValueError:
        raise JsonError("", "must be a base64 string") from None


def _decode_bytes(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _enum(enum: EnumDescriptor) -> Scalar:
    if enum.full_name == "google.protobuf.NullValue":
        return Scalar(VARINT, _encode_null, lambda number: None)
    numbers = {name: value.number for name, value in enum.values_by_name.items()}
    names = {number: value.name for number, value in enum.values_by_number.items()}
    return Scalar(VARINT, _enum_encoder(numbers, names, enum.is_closed), _enum_decoder(names))


def _enum_encoder(numbers: Mapping[str, int], names: Mapping[int, str], closed: bool) -> Encode:
    in_range = _ranged(32, True, _write_varint)

    def encode(value: JsonValue) -> bytes:
        if isinstance(value, str):
            number = numbers.get(value)
            if number is None:
                raise JsonError("", f"has no value named {clip(value)}")
            return _write_varint(number)
        if closed and integer(value) not in names:
            raise JsonError("", "is not a value of the enum")
        return in_range(value)

    return encode


def _enum_decoder(names: Mapping[int, str]) -> Decode:
    def decode(number: int) -> JsonValue:
        known = signed32(number)
        return names.get(known, known)

    return decode


def _encode_null(value: JsonValue) -> bytes:
    if value is None or value == "NULL_VALUE" or (value == 0 and not isinstance(value, bool)):
        return b"\x00"
    raise JsonError("", "must be null")


_SCALARS: Final = {
    FieldDescriptor.TYPE_INT32: Scalar(VARINT, _ranged(32, True, _write_varint), signed32),
    FieldDescriptor.TYPE_INT64: Scalar(VARINT, _ranged(64, True, _write_varint), signed64, wide=True),
    FieldDescriptor.TYPE_UINT32: Scalar(VARINT, _ranged(32, False, varint), _unsigned32),
    FieldDescriptor.TYPE_UINT64: Scalar(VARINT, _ranged(64, False, varint), _same, wide=True),
    FieldDescriptor.TYPE_SINT32: Scalar(VARINT, _ranged(32, True, _write_zigzag), _zigzag32),
    FieldDescriptor.TYPE_SINT64: Scalar(VARINT, _ranged(64, True, _write_zigzag), _zigzag64, wide=True),
    FieldDescriptor.TYPE_FIXED32: _fixed("<I", signed=False),
    FieldDescriptor.TYPE_FIXED64: _fixed("<Q", signed=False),
    FieldDescriptor.TYPE_SFIXED32: _fixed("<i", signed=True),
    FieldDescriptor.TYPE_SFIXED64: _fixed("<q", signed=True),
    FieldDescriptor.TYPE_FLOAT: Scalar(FIXED32, _encode_float, _decode_float),
    FieldDescriptor.TYPE_DOUBLE: Scalar(FIXED64, _encode_double, _decode_double),
    FieldDescriptor.TYPE_BOOL: Scalar(VARINT, _encode_bool, bool),
    FieldDescriptor.TYPE_STRING: Scalar(LENGTH_DELIMITED, utf8, text),
    FieldDescriptor.TYPE_BYTES: Scalar(LENGTH_DELIMITED, _encode_bytes, _decode_bytes),
}
