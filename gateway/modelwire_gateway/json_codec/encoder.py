"""JSON objects onto the wire, by tables compiled from the message descriptors.

Singular fields are written whatever their value is, zeros too: a parser cannot tell the difference, and what
is bound elsewhere (in a path, say) may then stand later on the wire and win.
"""

from collections.abc import Callable
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .any_messages import ANY, any_put
from .errors import JsonError
from .field_encoders import element_put, field_put
from .json_text import JsonValue
from .options import json_fields, overflow_field, takes_null
from .registry import Registry
from .struct_encoder import Put, put_list, put_struct, put_value
from .well_known import WELL_KNOWN, WellKnown

# A name that must not stand beside another, and whether it may if its value is null.
_Rival = tuple[str, bool]
# How a field is written, whether null is a value of it, and the rivals of the name it goes by.
_Row = tuple[Put, bool, tuple[_Rival, ...]]

_STRUCTS: Final = {
    "google.protobuf.Struct": put_struct,
    "google.protobuf.Value": put_value,
    "google.protobuf.ListValue": put_list,
}


def put_of(descriptor: Descriptor) -> Put:
    """Writes JSON values as messages of a type."""
    return _special(descriptor) or _ENCODERS.get(descriptor).put


class _MessageEncoder:
    """Writes JSON objects as messages of one type, field by field."""

    def __init__(self, descriptor: Descriptor, of: Callable[[Descriptor], "_MessageEncoder"]) -> None:
        self._descriptor = descriptor
        self._of = of
        self._rows: dict[str, _Row] = {}
        self._put_overflow: Put | None = None

    def link(self) -> None:
        def linked(descriptor: Descriptor) -> Put:
            return _special(descriptor) or self._of(descriptor).put

        for field in json_fields(self._descriptor):
            put = field_put(field, linked)
            for name in _spellings(field):
                self._rows[name] = put, _null_is_value(field), tuple(_rivals(field, name))
        overflow = overflow_field(self._descriptor)
        self._put_overflow = element_put(overflow, linked) if overflow else None

    def put(self, out: list[bytes], value: JsonValue, depth: int) -> int:
        if not isinstance(value, dict):
            raise JsonError("", "must be an object")
        rows = self._rows
        beyond: dict[str, JsonValue] = {}
        total = 0
        key = ""
        try:
            for key, item in value.items():
                row = rows.get(key)
                if row is None:
                    beyond[key] = item
                    continue
                put, null_is_value, rivals = row
                if item is None and not null_is_value:
                    continue
                if rivals:
                    _refuse_rivals(value, rivals)
                total += put(out, item, depth)
        except JsonError as error:
            raise error.inside(key) from None
        return total + self._put_beyond(out, beyond, depth) if beyond else total

    def _put_beyond(self, out: list[bytes], members: dict[str, JsonValue], depth: int) -> int:
        if self._put_overflow is None:
            raise JsonError("", "unknown field").inside(next(iter(members)))
        return self._put_overflow(out, members, depth)


def _spellings(field: FieldDescriptor) -> set[str]:
    return {field.name, field.json_name}


def _null_is_value(field: FieldDescriptor) -> bool:
    return takes_null(field) and not field.is_repeated


def _rivals(field: FieldDescriptor, name: str) -> list[_Rival]:
    """A field's other spelling, and the other members of its oneof."""
    twins = [(twin, False) for twin in _spellings(field) - {name}]
    siblings = (
        [member for member in field.containing_oneof.fields if member is not field] if field.containing_oneof else []
    )
    return twins + [(other, not takes_null(member)) for member in siblings for other in _spellings(member)]


def _refuse_rivals(value: dict[str, JsonValue], rivals: tuple[_Rival, ...]) -> None:
    for rival, null_is_absent in rivals:
        if rival in value and not (null_is_absent and value[rival] is None):
            raise JsonError("", f"cannot stand beside {rival}")


def _special(descriptor: Descriptor) -> Put | None:
    """The writer of a type that JSON does not write as an object of its fields."""
    name = descriptor.full_name
    if name in WELL_KNOWN:
        return _well_known_put(WELL_KNOWN[name])
    return any_put(descriptor.file.pool, put_of) if name == ANY else _STRUCTS.get(name)


def _well_known_put(known: WellKnown) -> Put:
    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        chunk = known.encode(value)
        out.append(chunk)
        return len(chunk)

    return put


_ENCODERS: Final = Registry(_MessageEncoder)
