"""Readers for fields: each stores into the JSON object what one field on the wire holds.

There are two signatures, for varints and for everything that has an extent; the loop that walks over a
message's fields (see decoder) has read the varint, or the length, already.

A message that may stand in a field once is not read at once: further parts of it may follow. The field's name
stands for them (see message_parts) until all are known.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .errors import JsonError
from .json_text import JsonValue
from .message_parts import Parts, decode_parts, with_part
from .number_runs import FLOAT_LAYOUTS, decode_packed
from .oneofs import Drop, Members, StoreExtent, StoreVarint, choosing, choosing_varint, drop_siblings
from .options import enum_type, is_map, message_type
from .scalars import Decode as DecodeScalar
from .scalars import raw_value, scalar_of, signed32
from .struct_decoder import Decode
from .styles import Style
from .wire import FIXED32, LENGTH_DELIMITED, TOO_DEEP, VARINT, WireError, read_fields, read_varint


@dataclass(frozen=True, slots=True)
class Stores:
    """The readers of a message's fields by tag, and the messages to be read when all their parts are known."""

    varints: dict[int, StoreVarint] = dataclass_field(default_factory=dict)
    extents: dict[int, StoreExtent] = dataclass_field(default_factory=dict)
    singles: list[tuple[str, Decode]] = dataclass_field(default_factory=list)


def add_field(stores: Stores, field: FieldDescriptor, style: Style, decode_of: Callable[[Descriptor], Decode]) -> None:
    """Adds the readers of `field`; repeated scalars are read packed and one by one, as they come."""
    name = style.name(field)
    delimited = field.number << 3 | LENGTH_DELIMITED
    if field.type != FieldDescriptor.TYPE_MESSAGE:
        _add_scalar(stores, field, style, drop_siblings(field, style, decode_of))
    elif is_map(field):
        stores.extents[delimited] = _map_store(name, field, style, decode_of)
    elif field.is_repeated:
        stores.extents[delimited] = _messages_store(name, decode_of(message_type(field)))
    else:
        stores.extents[delimited] = _parts_store(name, drop_siblings(field, style, decode_of))
        stores.singles.append((name, decode_of(message_type(field))))


def zero_of(field: FieldDescriptor, style: Style) -> JsonValue:
    """What a field without presence is written as when the wire does not hold it."""
    if field.is_repeated:
        return {} if is_map(field) else []
    return style.scalar(field)(scalar_of(field).zero)


def _add_scalar(stores: Stores, field: FieldDescriptor, style: Style, drop: Drop | None) -> None:
    name, decode, scalar = style.name(field), style.scalar(field), scalar_of(field)
    own_tag = field.number << 3 | scalar.wire_type
    if field.is_repeated and scalar.wire_type != LENGTH_DELIMITED:
        stores.extents[field.number << 3 | LENGTH_DELIMITED] = _packed_store(name, field, style)
    if scalar.wire_type == VARINT:
        store = _items_varint(name, decode) if field.is_repeated else _single_varint(name, decode, field)
        store = _only_declared(store, field)
        if drop:
            stores.extents[own_tag] = choosing_varint(store, drop)
        else:
            stores.varints[own_tag] = store
    else:
        store_extent = _items_extent(name, decode) if field.is_repeated else _single_extent(name, decode, field)
        stores.extents[own_tag] = choosing(store_extent, drop)


def _only_declared(store: StoreVarint, field: FieldDescriptor) -> StoreVarint:
    """For a closed enum, a number without a name counts as an unknown field."""
    if field.enum_type is None or not field.enum_type.is_closed:
        return store
    declared = frozenset(enum_type(field).values_by_number)

    def store_declared(number: int, out: Members) -> None:
        if signed32(number) in declared:
            store(number, out)

    return store_declared


def _single_varint(name: str, decode: DecodeScalar, field: FieldDescriptor) -> StoreVarint:
    implicit = not field.has_presence
    zero = decode(0)

    def store(number: int, out: Members) -> None:
        value = decode(number)
        if implicit and value == zero:
            out.pop(name, None)
        else:
            out[name] = value

    return store


def _single_extent(name: str, decode: DecodeScalar, field: FieldDescriptor) -> StoreExtent:
    absent = None if field.has_presence else scalar_of(field).zero

    def store(buf: bytes, start: int, stop: int, out: Members, depth: int) -> None:
        raw = buf[start:stop]
        if raw == absent:
            out.pop(name, None)
            return
        try:
            out[name] = decode(raw)
        except JsonError as error:
            raise error.inside(name) from None

    return store


def _items_varint(name: str, decode: DecodeScalar) -> StoreVarint:
    def store(number: int, out: Members) -> None:
        out.setdefault(name, []).append(decode(number))

    return store


def _items_of(name: str, out: Members) -> list[JsonValue]:
    """The list of a field's items so far; an array, which holds no more than it does, becomes one."""
    items: JsonValue = out.setdefault(name, [])
    listed: list[JsonValue] = items if type(items) is list else items.tolist()
    out[name] = listed
    return listed


def _items_extent(name: str, decode: DecodeScalar) -> StoreExtent:
    def store(buf: bytes, start: int, stop: int, out: Members, depth: int) -> None:
        items = _items_of(name, out)
        try:
            items.append(decode(buf[start:stop]))
        except JsonError as error:
            raise error.inside(len(items), name) from None

    return store


def _packed_store(name: str, field: FieldDescriptor, style: Style) -> StoreExtent:
    decode, wire_type = style.scalar(field), scalar_of(field).wire_type
    if wire_type != VARINT:
        return _packed_fixed_store(name, decode, 4 if wire_type == FIXED32 else 8, FLOAT_LAYOUTS.get(field.type), style)
    store_one = _only_declared(_items_varint(name, decode), field)

    def store(buf: bytes, start: int, stop: int, out: Members, depth: int) -> None:
        for number in _varints(buf, start, stop):
            store_one(number, out)

    return store


def _packed_fixed_store(name: str, decode: DecodeScalar, size: int, layout: str | None, style: Style) -> StoreExtent:
    """`layout` is NumPy's of a type of floating-point numbers, None for any other."""

    def store(buf: bytes, start: int, stop: int, out: Members, depth: int) -> None:
        if (stop - start) % size:
            raise WireError
        numbers = decode_packed(buf, start, stop, layout) if layout and name not in out else None
        if numbers is not None:
            out[name] = style.numbers(numbers)
        elif start < stop:
            _items_of(name, out).extend([decode(buf[at : at + size]) for at in range(start, stop, size)])

    return store


def _varints(buf: bytes, pos: int, stop: int) -> Iterator[int]:
    while pos < stop:
        number, pos = read_varint(buf, pos)
        yield number
    if pos != stop:
        raise WireError


def _parts_store(name: str, drop: Drop | None) -> StoreExtent:
    def store(buf: bytes, start: int, stop: int, out: Members, depth: int) -> None:
        out[name] = with_part(out.get(name), buf, start, stop)

    return choosing(store, drop)


def _messages_store(name: str, decode: Decode) -> StoreExtent:
    def store(buf: bytes, start: int, stop: int, out: Members, depth: int) -> None:
        items = out.setdefault(name, [])
        try:
            if depth < 1:
                raise JsonError("", TOO_DEEP)
            items.append(decode(buf, start, stop, depth - 1))
        except JsonError as error:
            raise error.inside(len(items), name) from None

    return store


def _map_store(
    name: str, field: FieldDescriptor, style: Style, decode_of: Callable[[Descriptor], Decode]
) -> StoreExtent:
    key_field, value_field = (message_type(field).fields_by_name[part] for part in ("key", "value"))
    read_key, read_value = _part_reader(key_field, style, decode_of), _part_reader(value_field, style, decode_of)
    key_tag, value_tag = _tag_of(key_field), _tag_of(value_field)
    merged = value_field.type == FieldDescriptor.TYPE_MESSAGE

    def store(buf: bytes, start: int, stop: int, out: Members, depth: int) -> None:
        if depth < 1:
            raise JsonError("", TOO_DEEP).inside(name)
        key_parts: Parts | None = None
        value_parts: Parts | None = None
        key = None
        try:
            for tag, part_start, part_stop in read_fields(buf, start, stop):
                if tag == key_tag:
                    if key_parts:
                        read_key(buf, key_parts, depth - 1)  # what is replaced must be well-formed too
                    key_parts = part_start, part_stop
                elif tag == value_tag:
                    if value_parts and not merged:
                        read_value(buf, value_parts, depth - 1)
                    value_parts = with_part(value_parts if merged else None, buf, part_start, part_stop)
            key = _key_text(read_key(buf, key_parts, depth - 1))
            out.setdefault(name, {})[key] = read_value(buf, value_parts, depth - 1)
        except JsonError as error:
            raise (error if key is None else error.inside(key)).inside(name) from None

    return store


def _tag_of(field: FieldDescriptor) -> int:
    wire_type = LENGTH_DELIMITED if field.type == FieldDescriptor.TYPE_MESSAGE else scalar_of(field).wire_type
    return int(field.number << 3 | wire_type)


def _part_reader(
    field: FieldDescriptor, style: Style, decode_of: Callable[[Descriptor], Decode]
) -> Callable[[bytes, Parts | None, int], JsonValue]:
    """Reads key or value of a map entry; one that is missing is its type's default."""
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        decode_message = decode_of(message_type(field))
        return lambda buf, parts, depth: decode_parts(buf, parts or (0, 0), decode_message, depth)
    decode, scalar = style.scalar(field), scalar_of(field)

    def read(buf: bytes, parts: Parts | None, depth: int) -> JsonValue:
        return decode(raw_value(buf, parts[0], parts[1], scalar.wire_type) if parts else scalar.zero)

    return read


def _key_text(key: JsonValue) -> str:
    return ("true" if key else "false") if isinstance(key, bool) else str(key)
