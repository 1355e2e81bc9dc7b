"""Fields of which only one may be set: whichever is read last takes the others out.

What is taken out must be well-formed all the same, as it must be for every other parser.
"""

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .json_text import JsonValue
from .message_parts import decode_parts
from .options import message_type
from .struct_decoder import Decode
from .styles import Style
from .wire import read_varint

Members = dict[str, JsonValue]
StoreVarint = Callable[[int, Members], None]
StoreExtent = Callable[[bytes, int, int, Members, int], None]
# Takes members out of what was read so far: out of the buffer, the members, the levels that may stand below.
Drop = Callable[[bytes, Members, int], None]


def drop_siblings(field: FieldDescriptor, style: Style, decode_of: Callable[[Descriptor], Decode]) -> Drop | None:
    """Takes the other members of the field's oneof out; None where there are none."""
    oneof = field.containing_oneof
    siblings = [member for member in oneof.fields if member is not field] if oneof else []
    scalars = [style.name(member) for member in siblings if member.type != FieldDescriptor.TYPE_MESSAGE]
    messages = [
        (style.name(member), decode_of(message_type(member)))
        for member in siblings
        if member.type == FieldDescriptor.TYPE_MESSAGE
    ]

    def drop(buf: bytes, out: Members, depth: int) -> None:
        for name in scalars:
            out.pop(name, None)
        for name, decode in messages:
            if name in out:
                decode_parts(buf, out.pop(name), decode, depth)

    return drop if siblings else None


def choosing(store: StoreExtent, drop: Drop | None) -> StoreExtent:
    """`store`, after the others were taken out."""
    if drop is None:
        return store

    def store_chosen(buf: bytes, start: int, stop: int, out: Members, depth: int) -> None:
        drop(buf, out, depth)
        store(buf, start, stop, out, depth)

    return store_chosen


def choosing_varint(store: StoreVarint, drop: Drop) -> StoreExtent:
    """The same for a varint, which replaces nothing if `store` passes over it."""

    def store_chosen(buf: bytes, start: int, stop: int, out: Members, depth: int) -> None:
        chosen: Members = {}
        store(read_varint(buf, start)[0], chosen)
        if chosen:
            drop(buf, out, depth)
            out.update(chosen)

    return store_chosen
