"""google.protobuf.Any: a message of a type that its JSON object names under `@type`.

The types are looked up in the descriptor pool that Any itself comes from. The types that are part of protobuf
and of the gRPC error model are known besides: a service may send them in an Any and never name them in its
contract.
"""

from collections.abc import Callable, Mapping
from typing import Final

from google.protobuf import any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2, status_pb2

from .errors import JsonError
from .json_text import JsonValue
from .scalars import text, utf8
from .struct_decoder import Decode
from .struct_encoder import Put
from .well_known import WELL_KNOWN
from .wire import TOO_DEEP, length_delimited, read_fields

ANY: Final = "google.protobuf.Any"

_TYPE: Final = "@type"
_VALUE: Final = "value"
_TYPE_URL_TAG, _VALUE_TAG = 0x0A, 0x12
# Types whose JSON is not an object of fields; in an Any it stands as the member `value`.
_SINGLE_VALUES: Final = {
    ANY,
    "google.protobuf.Struct",
    "google.protobuf.Value",
    "google.protobuf.ListValue",
    *WELL_KNOWN,
}
_STANDARD_FILES: Final = (
    any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2,
    error_details_pb2, status_pb2,
)  # fmt: skip
_STANDARD: Final[Mapping[str, Descriptor]] = {
    descriptor.full_name: descriptor
    for file in _STANDARD_FILES
    for descriptor in file.DESCRIPTOR.message_types_by_name.values()
}


def find_type(pool: DescriptorPool, name: str) -> Descriptor | None:
    """The message type of a full name: that of the pool, else the standard one; None where neither has it."""
    try:
        return pool.FindMessageTypeByName(name)
    except KeyError:
        return _STANDARD.get(name)


def any_put(pool: DescriptorPool, put_of: Callable[[Descriptor], Put], put_unknown: Put) -> Put:
    """Writes the JSON object of an Any. `put_unknown` takes members beside the `value` of a type that has one."""

    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        if not isinstance(value, dict):
            raise JsonError("", "must be an object")
        if not value:
            return 0
        if depth < 1:
            raise JsonError("", TOO_DEEP)
        url = value.get(_TYPE)
        raw_url = _url_bytes(url)
        descriptor = _find(pool, url)
        members = {name: member for name, member in value.items() if name != _TYPE}
        if descriptor.full_name in _SINGLE_VALUES:
            payload = _value_payload(put_of(descriptor), members, put_unknown, depth - 1)
        else:
            payload = _payload(put_of(descriptor), members, depth - 1)
        chunk = length_delimited(1, raw_url) + length_delimited(2, payload)
        out.append(chunk)
        return len(chunk)

    return put


def any_decode(pool: DescriptorPool, decode_of: Callable[[Descriptor], Decode]) -> Decode:
    """Reads an Any into its JSON object."""

    def decode(buf: bytes, pos: int, end: int, depth: int) -> JsonValue:
        url, raw = "", b""
        for tag, start, stop in read_fields(buf, pos, end):
            if tag == _TYPE_URL_TAG:
                url = text(buf[start:stop])
            elif tag == _VALUE_TAG:
                raw = buf[start:stop]
        if not url and not raw:
            return {}
        if depth < 1:
            raise JsonError("", TOO_DEEP)
        descriptor = _find(pool, url)
        value = decode_of(descriptor)(raw, 0, len(raw), depth - 1)
        return {_TYPE: url, _VALUE: value} if descriptor.full_name in _SINGLE_VALUES else {_TYPE: url, **value}

    return decode


def _url_bytes(url: JsonValue) -> bytes:
    if isinstance(url, str) and url and "/" not in url:
        raise JsonError("", "must have a / before the name of the type").inside(_TYPE)
    try:
        return utf8(url)
    except JsonError:
        raise JsonError("", "must name a type").inside(_TYPE) from None


def _payload(put: Put, value: JsonValue, depth: int) -> bytes:
    chunks: list[bytes] = []
    put(chunks, value, depth)
    return b"".join(chunks)


def _value_payload(put: Put, members: dict[str, JsonValue], put_unknown: Put, depth: int) -> bytes:
    if _VALUE not in members:
        raise JsonError(_VALUE, "is required")
    value = members.pop(_VALUE)
    if members:
        put_unknown([], members, depth)
    try:
        return _payload(put, value, depth)
    except JsonError as error:
        raise error.inside(_VALUE) from None


def _find(pool: DescriptorPool, url: JsonValue) -> Descriptor:
    if not isinstance(url, str) or not url:
        raise JsonError("", "must name a type").inside(_TYPE)
    descriptor = find_type(pool, url.rpartition("/")[2])
    if descriptor is None:
        raise JsonError("", "is a type that is not known here").inside(_TYPE)
    return descriptor
