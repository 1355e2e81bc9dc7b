"""How many JSON values a message on the wire comes to, counted before anything is built.

One walk over the fields of all messages, unknown ones included, so that it also bounds how often a field may
come again, for which JSON has no counterpart. Where the wire needs fields that JSON does without (the kind of
a Value, key and value of a map's entry, the fields of a Timestamp), as many are free in each message. So what
`parse_json` let through is let through here.

Structure only is read: what does not make sense in another way is left to the decoder.
"""

from collections.abc import Callable
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from .any_messages import ANY, find_type
from .errors import JsonError
from .number_runs import FLOAT_LAYOUTS, packed_length, run_length
from .options import message_type, overflow_field
from .registry import Registry
from .scalars import scalar_of
from .well_known import WRAPPED_VALUES
from .wire import (
    END_GROUP,
    FIXED32,
    FIXED64,
    LENGTH_DELIMITED,
    MAX_DEPTH,
    START_GROUP,
    VARINT,
    WireError,
    read_fields,
    read_varint,
    value_bounds,
)

_VALUE: Final = "google.protobuf.Value"
_FREE: Final = {
    ANY: 2,
    _VALUE: 1,
    "google.protobuf.Timestamp": 2,
    "google.protobuf.Duration": 2,
    **dict.fromkeys(WRAPPED_VALUES, 1),
}
_LIST: Final = "google.protobuf.ListValue"
_TYPE_URL_TAG, _VALUE_TAG = 0x0A, 0x12
_CONTINUED: Final = bytes(range(128, 256))  # bytes of a varint that are not its last

# Takes a message out of a buffer, the levels that may stand below it, and how many more values there may be.
# Gives how many there may be after it; raises `_TooMany`.
_Spend = Callable[[bytes, int, int, int, int], int]


class _TooMany(Exception):
    pass


class ValueLimit:
    """Counts the values in messages of any type.

    Without `count_runs` long lists of numbers, in a ListValue or packed, count as one each: as arrays they take little
    more memory than their bytes.
    """

    def __init__(self, *, count_runs: bool) -> None:
        self._count_runs = count_runs
        self._counters = Registry(self._make)

    def check(self, descriptor: Descriptor, wire: bytes, max_values: int) -> None:
        """Raises `JsonError` for a message of more than `max_values` values, `WireError` or IndexError for none."""
        try:
            self._spend_of(descriptor)(wire, 0, len(wire), MAX_DEPTH, max_values - 1)
        except _TooMany:
            raise JsonError("", f"holds more than {max_values} values") from None

    def _spend_of(self, descriptor: Descriptor) -> _Spend:
        return self._special(descriptor, self._counters.get(descriptor).spend)

    def _special(self, descriptor: Descriptor, spend: _Spend) -> _Spend:
        if descriptor.full_name == _LIST:
            return _list_spend(spend, self._count_runs)
        return _any_spend(descriptor.file.pool, spend, self._spend_of) if descriptor.full_name == ANY else spend

    def _make(self, descriptor: Descriptor, of: Callable[[Descriptor], "_Counter"]) -> "_Counter":
        return _Counter(descriptor, lambda child: self._special(child, of(child).spend), self._count_runs)


class _Counter:
    """Counts the values in messages of one type."""

    def __init__(self, descriptor: Descriptor, spend_of: Callable[[Descriptor], _Spend], count_runs: bool) -> None:
        self._descriptor = descriptor
        self._count_runs = count_runs
        self._spend_of = spend_of
        self._nested: dict[int, _Spend] = {}
        self._values: set[int] = set()  # tags of Values, which have one field for nothing
        self._packed: dict[int, int] = {}  # wire types by tag
        self._runs: dict[int, str] = {}  # layouts of floating-point numbers by tag
        overflow = overflow_field(descriptor) is not None
        self._free = 2 if descriptor.GetOptions().map_entry else _FREE.get(descriptor.full_name, int(overflow))

    def link(self) -> None:
        for field in self._descriptor.fields:
            tag = field.number << 3 | LENGTH_DELIMITED
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                if message_type(field).full_name == _VALUE:
                    self._values.add(tag)
                self._nested[tag] = self._spend_of(message_type(field))
            elif _is_packable(field):
                self._packed[tag] = scalar_of(field).wire_type
                if not self._count_runs and field.type in FLOAT_LAYOUTS:
                    self._runs[tag] = FLOAT_LAYOUTS[field.type]

    def spend(self, buf: bytes, pos: int, end: int, depth: int, left: int) -> int:
        free, groups = self._free, 0
        while pos < end:
            tag = buf[pos]
            pos += 1
            if tag > 127:
                tag, pos = read_varint(buf, pos - 1)
            wire_type = tag & 7
            if wire_type == LENGTH_DELIMITED:
                size = buf[pos]
                start = pos + 1
                if size > 127:
                    size, start = read_varint(buf, pos)
                pos = start + size
                if pos > end:
                    raise WireError
                if size > 1 and not groups and not (size < 4 and tag in self._values):
                    left = self._spend_inside(tag, buf, start, pos, depth, left)
            elif wire_type == START_GROUP:
                groups += 1
            elif wire_type == END_GROUP:
                groups -= 1
            else:
                pos = value_bounds(buf, pos, tag)[1]
            if free:
                free -= 1
            else:
                left -= 1
                if left < 0:
                    raise _TooMany
        return left

    def _spend_inside(self, tag: int, buf: bytes, pos: int, end: int, depth: int, left: int) -> int:
        nested = self._nested.get(tag)
        if nested is not None:
            return nested(buf, pos, end, depth - 1, left) if depth else left
        wire_type = self._packed.get(tag)
        if tag in self._runs and packed_length(buf, pos, end, self._runs[tag]):
            return left
        return left if wire_type is None else left - _packed_count(buf, pos, end, wire_type)


def _is_packable(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated and field.message_type is None and scalar_of(field).wire_type != LENGTH_DELIMITED)


def _packed_count(buf: bytes, pos: int, end: int, wire_type: int) -> int:
    if wire_type == VARINT:
        return len(buf[pos:end].translate(None, _CONTINUED))
    return (end - pos) // {FIXED32: 4, FIXED64: 8}[wire_type]


def _list_spend(spend: _Spend, count_runs: bool) -> _Spend:
    """Runs of numbers are counted at once, or not at all."""

    def spend_list(buf: bytes, pos: int, end: int, depth: int, left: int) -> int:
        count = run_length(buf, pos, end)
        if not count:
            return spend(buf, pos, end, depth, left)
        if count_runs and count > left:
            raise _TooMany
        return left - count if count_runs else left

    return spend_list


def _any_spend(pool: DescriptorPool, spend: _Spend, spend_of: Callable[[Descriptor], _Spend]) -> _Spend:
    """An Any counts with the message in it."""

    def spend_any(buf: bytes, pos: int, end: int, depth: int, left: int) -> int:
        left = spend(buf, pos, end, depth, left)
        held = {tag: (start, stop) for tag, start, stop in read_fields(buf, pos, end)}
        url_at, url_end = held.get(_TYPE_URL_TAG, (pos, pos))
        descriptor = find_type(pool, buf[url_at:url_end].rpartition(b"/")[2].decode(errors="replace"))
        if descriptor is None or not depth:
            return left  # which the decoder refuses
        start, stop = held.get(_VALUE_TAG, (pos, pos))
        return spend_of(descriptor)(buf, start, stop, depth - 1, left)

    return spend_any
