"""google.protobuf.Any: a message of a type that its JSON object names under `@type`.

The types are looked up in the descriptor pool that Any itself comes from.
"""

from collections.abc import Callable
from typing import Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool

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


def any_put(pool: DescriptorPool, put_of: Callable[[Descriptor], Put]) -> Put:
    """Writes the JSON object of an Any."""

    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        if not isinstance(value, dict):
            raise JsonError("", "must be an object")
        if not value:
            return 0
        if depth < 1:
            raise JsonError("", TOO_DEEP)
        url = value.get(_TYPE)
        descriptor = _find(pool, url)
        members = {name: member for name, member in value.items() if name != _TYPE}
        payload = _payload(put_of(descriptor), descriptor, members, depth - 1)
        chunk = length_delimited(1, utf8(url)) + length_delimited(2, payload)
        out.append(chunk)
        return len(chunk)

    return put


def any_decode(pool: DescriptorPool, decode_of: Callable[[Descriptor], Decode]) -> Decode:
    """Reads an Any into its JSON object."""

    def decode(buf: bytes, pos: int, end: int, depth: int) -> JsonValue:
        held = {tag: buf[start:stop] for tag, start, stop in read_fields(buf, pos, end)}
        raw = held.get(_VALUE_TAG, b"")
        url = text(held.get(_TYPE_URL_TAG, b""))
        if not url and not raw:
            return {}
        if depth < 1:
            raise JsonError("", TOO_DEEP)
        descriptor = _find(pool, url)
        value = decode_of(descriptor)(raw, 0, len(raw), depth - 1)
        return {_TYPE: url, _VALUE: value} if descriptor.full_name in _SINGLE_VALUES else {_TYPE: url, **value}

    return decode


def _payload(put: Put, descriptor: Descriptor, members: dict[str, JsonValue], depth: int) -> bytes:
    chunks: list[bytes] = []
    if descriptor.full_name not in _SINGLE_VALUES:
        put(chunks, members, depth)
        return b"".join(chunks)
    if _VALUE not in members:
        raise JsonError(_VALUE, "is required")
    for name in members:
        if name != _VALUE:
            raise JsonError("", "unknown field").inside(name)
    try:
        put(chunks, members[_VALUE], depth)
    except JsonError as error:
        raise error.inside(_VALUE) from None
    return b"".join(chunks)


def _find(pool: DescriptorPool, url: JsonValue) -> Descriptor:
    if isinstance(url, str) and url:
        try:
            return pool.FindMessageTypeByName(url.rpartition("/")[2])
        except KeyError:
            raise JsonError("", "is a type that is not known here").inside(_TYPE) from None
    raise JsonError("", "must name a type").inside(_TYPE)
