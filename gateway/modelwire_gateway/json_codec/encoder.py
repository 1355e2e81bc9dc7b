"""JSON objects onto the wire, by tables compiled from the message descriptors.

Singular fields are written whatever their value is, zeros too: a parser cannot tell the difference, and what
is bound elsewhere (in a path, say) may then stand later on the wire and win.
"""

from collections.abc import Callable
from typing import Final

from google.protobuf.descriptor import Descriptor

from .any_messages import ANY, any_put
from .errors import JsonError
from .field_encoders import PutOf, element_put, field_put
from .json_options import JsonOptions
from .json_text import JsonValue
from .options import json_fields, null_is_value, overflow_field
from .registry import Registry
from .spellings import Rival, refuse_rivals, rivals, spellings
from .struct_encoder import Put, put_list, put_struct, put_value
from .well_known import WELL_KNOWN, WellKnown

# How a field is written, whether null is a value of it, and the rivals of the name it goes by.
_Row = tuple[Put, bool, tuple[Rival, ...]]

_STRUCTS: Final = {
    "google.protobuf.Struct": put_struct,
    "google.protobuf.Value": put_value,
    "google.protobuf.ListValue": put_list,
}


class Encoder:
    """Writes messages of any type."""

    def __init__(self, options: JsonOptions) -> None:
        self._ignores_unknown = options.unknown_fields == "ignore"
        self._messages = Registry(self._make)

    def put_of(self, descriptor: Descriptor) -> Put:
        """Writes JSON values as messages of a type."""
        return self._special(descriptor) or self._messages.get(descriptor).put

    def _special(self, descriptor: Descriptor) -> Put | None:
        """The writer of a type that JSON does not write as an object of its fields."""
        name = descriptor.full_name
        if name in WELL_KNOWN:
            return _well_known_put(WELL_KNOWN[name])
        if name == ANY:
            return any_put(descriptor.file.pool, self.put_of, self.put_unknown)
        return _STRUCTS.get(name)

    def _make(self, descriptor: Descriptor, of: Callable[[Descriptor], "_MessageEncoder"]) -> "_MessageEncoder":
        return _MessageEncoder(descriptor, lambda child: self._special(child) or of(child).put, self.put_unknown)

    @property
    def put_unknown(self) -> Put:
        """What becomes of members that no field declares, where there is no overflow field."""
        return _ignore if self._ignores_unknown else _refuse


class _MessageEncoder:
    """Writes JSON objects as messages of one type, field by field."""

    def __init__(self, descriptor: Descriptor, put_of: PutOf, put_beyond: Put) -> None:
        self._descriptor = descriptor
        self._put_of = put_of
        self._rows: dict[str, _Row] = {}
        self._put_beyond = put_beyond  # members that no field declares

    def link(self) -> None:
        for field in json_fields(self._descriptor):
            put = field_put(field, self._put_of)
            for name in spellings(field):
                self._rows[name] = put, null_is_value(field), rivals(field, name)
        if overflow := overflow_field(self._descriptor):
            self._put_beyond = element_put(overflow, self._put_of)

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
                put, keeps_null, others = row
                if item is None and not keeps_null:
                    continue
                if others:
                    refuse_rivals(value, others)
                total += put(out, item, depth)
        except JsonError as error:
            raise error.inside(key) from None
        return total + self._put_beyond(out, beyond, depth) if beyond else total


def _refuse(out: list[bytes], members: JsonValue, depth: int) -> int:
    raise JsonError("", "unknown field").inside(next(iter(members)))


def _ignore(out: list[bytes], members: JsonValue, depth: int) -> int:
    return 0


def _well_known_put(known: WellKnown) -> Put:
    def put(out: list[bytes], value: JsonValue, depth: int) -> int:
        chunk = known.encode(value)
        out.append(chunk)
        return len(chunk)

    return put
