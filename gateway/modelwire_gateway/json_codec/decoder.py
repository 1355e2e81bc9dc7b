"""Messages on the wire into JSON objects, by tables compiled from the message descriptors.

One loop walks over the fields of a message and looks each up by its tag. Unknown fields are skipped, the last
of several values stands, messages in several parts are merged (protobuf.dev/programming-guides/encoding). The
loop reads short tags and lengths itself: with a call for each, small messages take a twentieth longer.
"""

import struct
from collections.abc import Callable, Mapping

from google.protobuf.descriptor import Descriptor

from .any_messages import ANY, any_decode
from .errors import JsonError
from .field_decoders import Stores, add_field, zero_of
from .json_text import JsonValue
from .message_parts import decode_parts
from .oneofs import Members
from .options import json_fields, overflow_field
from .registry import Registry
from .struct_decoder import Decode, StructDecoder
from .styles import Style
from .well_known import WELL_KNOWN, WellKnown
from .wire import LENGTH_DELIMITED, MAX_DEPTH, VARINT, WireError, read_field, read_varint


class Decoder:
    """Reads messages of any type, in one style."""

    def __init__(self, style: Style) -> None:
        self._style = style
        structs = StructDecoder(style.numbers)
        self._structs: Mapping[str, Decode] = {
            "google.protobuf.Struct": structs.struct,
            "google.protobuf.Value": structs.value,
            "google.protobuf.ListValue": structs.list_value,
        }
        self._messages = Registry(self._make)

    def decode_of(self, descriptor: Descriptor) -> Decode:
        """Reads messages of a type."""
        return self.special(descriptor) or self._messages.get(descriptor).decode

    def special(self, descriptor: Descriptor) -> Decode | None:
        """The reader of a type that JSON does not write as an object of its fields."""
        name = descriptor.full_name
        if name in WELL_KNOWN:
            return _well_known_decode(WELL_KNOWN[name], self._style)
        return any_decode(descriptor.file.pool, self.decode_of) if name == ANY else self._structs.get(name)

    def _make(self, descriptor: Descriptor, of: Callable[[Descriptor], "_MessageDecoder"]) -> "_MessageDecoder":
        return _MessageDecoder(descriptor, self._style, lambda child: self.special(child) or of(child).decode)


def decode_wire(decode: Decode, wire: bytes) -> JsonValue:
    """Reads a whole message. Raises `JsonError` for bytes that are none, and for what has no JSON form."""
    try:
        return decode(wire, 0, len(wire), MAX_DEPTH)
    except (WireError, IndexError, struct.error):
        raise JsonError("", "malformed message") from None


class _MessageDecoder:
    """Reads messages of one type, field by field."""

    def __init__(self, descriptor: Descriptor, style: Style, decode_of: Callable[[Descriptor], Decode]) -> None:
        self._descriptor = descriptor
        self._style = style
        self._decode_of = decode_of
        self._stores = Stores()
        self._zeros: Members = {}
        self._order: list[str] = []
        self._overflow = ""
        self._declared: frozenset[str] = frozenset()

    def link(self) -> None:
        fields = json_fields(self._descriptor)
        for field in fields:
            add_field(self._stores, field, self._style, self._decode_of)
            if self._style.zero(field) and not field.has_presence:
                self._zeros[self._style.name(field)] = zero_of(field, self._style)
        self._order = [self._style.name(field) for field in fields]
        overflow = overflow_field(self._descriptor)
        if overflow:
            add_field(self._stores, overflow, self._style, self._decode_of)
            self._overflow = self._style.name(overflow)
            self._declared = frozenset(name for field in fields for name in (field.name, field.json_name))

    def decode(self, buf: bytes, pos: int, end: int, depth: int) -> JsonValue:
        out: Members = {}
        varints, extents = self._stores.varints, self._stores.extents
        while pos < end:
            tag = buf[pos]
            start = pos + 1
            if tag > 127:
                tag, start = read_varint(buf, pos)
            wire_type = tag & 7
            if wire_type == LENGTH_DELIMITED and tag in extents:
                size = buf[start]
                start += 1
                if size > 127:
                    size, start = read_varint(buf, start - 1)
                pos = start + size
                if pos > end:
                    raise WireError
                extents[tag](buf, start, pos, out, depth)
            elif wire_type == VARINT and tag in varints:
                number, pos = read_varint(buf, start)
                varints[tag](number, out)
            else:
                tag, start, pos = read_field(buf, pos, end)
                store = extents.get(tag)
                if store is not None:
                    store(buf, start, pos, out, depth)
        if pos != end:
            raise WireError
        return self._finished(buf, out, depth)

    def _finished(self, buf: bytes, out: Members, depth: int) -> Members:
        for name, decode in self._stores.singles:
            if name in out:
                try:
                    out[name] = decode_parts(buf, out[name], decode, depth)
                except JsonError as error:
                    raise error.inside(name) from None
        if not self._zeros.keys() <= out.keys():
            out = self._with_zeros(out)
        if self._overflow and self._overflow in out:
            self._inline(out)
        return out

    def _with_zeros(self, out: Members) -> Members:
        """The members in declared order, those without value where they are to be written."""
        zeros = {name: zero.copy() if isinstance(zero, list | dict) else zero for name, zero in self._zeros.items()}
        full = zeros | out
        return {name: full[name] for name in [*self._order, self._overflow] if name in full}

    def _inline(self, out: Members) -> None:
        """Puts the members of the overflow field beside the declared ones."""
        members = out.pop(self._overflow)
        for name in members:
            if name in self._declared:
                raise JsonError("", "is a declared field").inside(name, self._overflow)
        out.update(members)


def _well_known_decode(known: WellKnown, style: Style) -> Decode:
    decode = style.well_known(known)
    return lambda buf, pos, end, depth: decode(buf[pos:end])
