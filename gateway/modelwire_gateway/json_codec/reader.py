"""JSON objects to what a service reads, by tables compiled from the message descriptors.

What comes out is what the decoder in its style of .proto names makes of what the encoder writes, to the order of the
members, and what is refused is refused for the same reason; but there are no bytes between. Only types that JSON writes
as one text, and Any, go through their bytes: they are rare, and are rewritten anyway.

No more values come out than went in, so that whoever counted them before need not do it again.
"""

from collections.abc import Callable
from typing import Final

from google.protobuf.descriptor import Descriptor

from .any_messages import ANY
from .decoder import Decoder
from .encoder import Encoder
from .errors import JsonError
from .field_readers import ABSENT, Read, ReadOf, field_read, message_read
from .json_text import JsonValue
from .options import json_fields, null_is_value, overflow_field
from .registry import Registry
from .spellings import Rival, refuse_rivals, rivals, spellings
from .struct_decoder import Decode
from .struct_encoder import Put
from .struct_reader import read_list, read_struct, read_value
from .styles import PROTO_NAMES
from .well_known import WELL_KNOWN

# The name of a field in the .proto file, how it is read, whether null is a value of it, and the rivals of the name it
# goes by.
_Row = tuple[str, Read, bool, tuple[Rival, ...]]

_STRUCTS: Final = {
    "google.protobuf.Struct": read_struct,
    "google.protobuf.Value": read_value,
    "google.protobuf.ListValue": read_list,
}


class Reader:
    """Reads messages of any type as `encoder` and `decoder`, which is one of .proto names, do together."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._messages = Registry(self._make)

    def read_of(self, descriptor: Descriptor) -> Read:
        """Reads JSON values as messages of a type."""
        return self._special(descriptor) or self._messages.get(descriptor).read

    def _special(self, descriptor: Descriptor) -> Read | None:
        """The reader of a type that JSON does not write as an object of its fields."""
        name = descriptor.full_name
        if name in WELL_KNOWN or name == ANY:
            return _through_wire(self._encoder.put_of(descriptor), self._decoder.decode_of(descriptor))
        return _STRUCTS.get(name)

    def _make(self, descriptor: Descriptor, of: Callable[[Descriptor], "_MessageReader"]) -> "_MessageReader":
        put_unknown = self._encoder.put_unknown
        return _MessageReader(descriptor, lambda child: self._special(child) or of(child).read, put_unknown)


class _MessageReader:
    """Reads JSON objects as messages of one type, member by member."""

    def __init__(self, descriptor: Descriptor, read_of: ReadOf, put_unknown: Put) -> None:
        self._descriptor = descriptor
        self._read_of = read_of
        self._rows: dict[str, _Row] = {}
        self._put_unknown = put_unknown
        self._read_beyond: Read | None = None  # members that no field declares, if a field takes them

    def link(self) -> None:
        for field in json_fields(self._descriptor):
            read = field_read(field, self._read_of)
            for name in spellings(field):
                self._rows[name] = PROTO_NAMES.name(field), read, null_is_value(field), rivals(field, name)
        if overflow_field(self._descriptor):
            self._read_beyond = message_read(read_struct)

    def read(self, value: JsonValue, depth: int) -> JsonValue:
        if not isinstance(value, dict):
            raise JsonError("", "must be an object")
        rows = self._rows
        out: dict[str, JsonValue] = {}
        beyond: dict[str, JsonValue] = {}
        key = ""
        try:
            for key, item in value.items():
                row = rows.get(key)
                if row is None:
                    beyond[key] = item
                    continue
                name, read, keeps_null, others = row
                if item is None and not keeps_null:
                    continue
                if others:
                    refuse_rivals(value, others)
                given = read(item, depth)
                if given is not ABSENT:
                    out[name] = given
        except JsonError as error:
            raise error.inside(key) from None
        if beyond:
            out.update(self._beyond(beyond, depth))
        return out

    def _beyond(self, members: dict[str, JsonValue], depth: int) -> dict[str, JsonValue]:
        if self._read_beyond is not None:
            read: dict[str, JsonValue] = self._read_beyond(members, depth)
            return read
        self._put_unknown([], members, depth)
        return {}


def _through_wire(put: Put, decode: Decode) -> Read:
    def read(value: JsonValue, depth: int) -> JsonValue:
        chunks: list[bytes] = []
        put(chunks, value, depth)
        wire = b"".join(chunks)
        return decode(wire, 0, len(wire), depth)

    return read
