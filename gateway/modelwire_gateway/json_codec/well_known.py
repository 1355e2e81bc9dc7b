"""The well-known types that JSON writes as one value: Timestamp, Duration, FieldMask and the wrappers.

All fields are written, those that are zero too: bytes that come later on the wire then replace earlier ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf import wrappers_pb2

from .json_text import JsonValue
from .scalars import Scalar, raw_value, scalar_of, signed32, signed64, text, utf8
from .times import duration_fields, duration_text, mask_paths, mask_text, timestamp_fields, timestamp_text
from .wire import LENGTH_DELIMITED, MASK64, length_delimited, read_fields, read_varint, tag, varint

_SECONDS, _NANOS, _PATHS = 0x08, 0x10, 0x0A


@dataclass(frozen=True, slots=True)
class WellKnown:
    """How a type is read from JSON, and written as JSON: in REST answers, and with integers as numbers."""

    encode: Callable[[JsonValue], bytes]
    decode_rest: Callable[[bytes], JsonValue]
    decode_plain: Callable[[bytes], JsonValue]


def _moment(fields: Callable[[JsonValue], tuple[int, int]], show: Callable[[int, int], str]) -> WellKnown:
    def encode(value: JsonValue) -> bytes:
        seconds, nanos = fields(value)
        return b"".join((b"\x08", varint(seconds & MASK64), b"\x10", varint(nanos & MASK64)))

    def decode(raw: bytes) -> JsonValue:
        numbers = {
            number_and_type: read_varint(raw, start)[0]
            for number_and_type, start, _ in read_fields(raw, 0, len(raw))
            if number_and_type in (_SECONDS, _NANOS)
        }
        return show(signed64(numbers.get(_SECONDS, 0)), signed32(numbers.get(_NANOS, 0)))

    return WellKnown(encode, decode, decode)


def _encode_mask(value: JsonValue) -> bytes:
    return b"".join(length_delimited(1, utf8(path)) for path in mask_paths(value))


def _decode_mask(raw: bytes) -> JsonValue:
    fields = read_fields(raw, 0, len(raw))
    return mask_text([text(raw[start:stop]) for number_and_type, start, stop in fields if number_and_type == _PATHS])


def _wrapper(scalar: Scalar) -> WellKnown:
    head = tag(1, scalar.wire_type)

    def encode(value: JsonValue) -> bytes:
        raw = scalar.encode(value)
        return head + (varint(len(raw)) if scalar.wire_type == LENGTH_DELIMITED else b"") + raw

    def decode(raw: bytes) -> JsonValue:
        value = scalar.decode(scalar.zero)
        for number_and_type, start, stop in read_fields(raw, 0, len(raw)):
            if number_and_type == head[0]:
                value = scalar.decode(raw_value(raw, start, stop, scalar.wire_type))
        return value

    def decode_wide(raw: bytes) -> JsonValue:
        return str(decode(raw))

    return WellKnown(encode, decode_wide if scalar.wide else decode, decode)


_WRAPPERS: Final = wrappers_pb2.DESCRIPTOR.message_types_by_name.values()

WELL_KNOWN: Final[Mapping[str, WellKnown]] = {
    "google.protobuf.Timestamp": _moment(timestamp_fields, timestamp_text),
    "google.protobuf.Duration": _moment(duration_fields, duration_text),
    "google.protobuf.FieldMask": WellKnown(_encode_mask, _decode_mask, _decode_mask),
    **{wrapper.full_name: _wrapper(scalar_of(wrapper.fields_by_name["value"])) for wrapper in _WRAPPERS},
}
WRAPPED_VALUES: Final = {wrapper.full_name: wrapper.fields_by_name["value"] for wrapper in _WRAPPERS}
