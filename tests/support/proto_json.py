"""JSON that messages of any type hold, in every spelling that proto3 JSON allows, as hypothesis strategies."""

import base64
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from hypothesis import strategies as st

Json = st.SearchStrategy[Any]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
DOUBLE = st.floats(allow_nan=False, allow_infinity=False)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | DOUBLE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
_NOT_FINITE = st.sampled_from(["NaN", "Infinity", "-Infinity"])
_LEVELS = 2  # of messages below the first


def _integers(low: int, high: int) -> Json:
    numbers = st.integers(low, high)
    return numbers | numbers.map(str) | st.sampled_from([low, high])


_INT32, _INT64 = _integers(-(2**31), 2**31 - 1), _integers(-(2**63), 2**63 - 1)
_UINT32, _UINT64 = _integers(0, 2**32 - 1), _integers(0, 2**64 - 1)
# The reference writes the largest float in digits that it refuses to read.
_FLOAT = st.floats(-(2.0**127), 2.0**127, width=32) | _NOT_FINITE
_BYTES = st.binary(max_size=6).flatmap(
    lambda raw: st.sampled_from([write(raw).decode() for write in (base64.b64encode, base64.urlsafe_b64encode)])
)
_SCALARS: dict[int, Json] = {
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_FLOAT: _FLOAT,
    FieldDescriptor.TYPE_DOUBLE: DOUBLE | _NOT_FINITE,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BYTES: _BYTES | _BYTES.map(lambda text: text.rstrip("=")),
}
_TIME = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
_DURATION = st.builds(
    lambda seconds, nanos: f"{seconds}.{nanos:09d}s", st.integers(-(10**11), 10**11), st.integers(0, 10**9 - 1)
)
_MASK = st.lists(st.from_regex(r"\A[a-z][a-z0-9]{0,3}([A-Z][a-z0-9]{1,3}){0,2}\Z"), max_size=3).map(",".join)
_WELL_KNOWN: dict[str, Json] = {
    "google.protobuf.Timestamp": _TIME,
    "google.protobuf.Duration": _DURATION,
    "google.protobuf.FieldMask": _MASK,
    "google.protobuf.Struct": st.dictionaries(TEXT, ANY_JSON, max_size=4),
    "google.protobuf.Value": ANY_JSON,
    "google.protobuf.ListValue": st.lists(ANY_JSON, max_size=4) | st.lists(DOUBLE, min_size=16, max_size=20),
}
# Null is a value of these, not the absence of one.
_TAKE_NULL = {"google.protobuf.Value", "google.protobuf.NullValue"}


def json_of(descriptor: Descriptor, levels: int = _LEVELS) -> Json:
    """Members for some of the fields, under either name; `levels` of messages below."""
    if descriptor.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[descriptor.full_name]
    if descriptor.full_name == "google.protobuf.Any":
        return _any_of(descriptor, levels)
    if descriptor.full_name.startswith("google.protobuf.") and descriptor.full_name.endswith("Value"):  # a wrapper
        return _scalar(descriptor.fields_by_name["value"])
    return _object_of(descriptor, levels)


@st.composite
def _object_of(draw: Callable[[st.SearchStrategy[Any]], Any], descriptor: Descriptor, levels: int) -> dict[str, Any]:
    fields = [
        field for field in descriptor.fields if (levels or field.message_type is None) and not _lists_nulls(field)
    ]
    if not fields:
        return {}
    chosen = draw(st.lists(st.sampled_from(fields), max_size=8, unique_by=_place))
    return {draw(_name(field)): draw(_field(field, levels)) for field in chosen}


def _name(field: FieldDescriptor) -> Json:
    return st.sampled_from([field.json_name, field.name])


def _any_of(any_type: Descriptor, levels: int) -> Json:
    """An Any of nothing, of the first message of the pool's everything.proto, or of a well-known type."""
    find = any_type.file.pool.FindMessageTypeByName
    values = [
        st.fixed_dictionaries({"@type": st.just(f"type.googleapis.com/{name}"), "value": json_of(find(name), 0)})
        for name in ("google.protobuf.Duration", "google.protobuf.Int64Value", "google.protobuf.Value")
    ]
    own = json_of(find("everything.Scalars"), levels)
    named = own.map(lambda value: {"@type": "type.googleapis.com/everything.Scalars"} | value)
    return st.one_of(st.just({}), named, *values)


def _field(field: FieldDescriptor, levels: int) -> Json:
    if entry := _entry(field):
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        return st.dictionaries(_key(key), _one(value, levels), max_size=4)
    items = _one(field, levels)
    if field.is_repeated:
        return st.lists(items, max_size=4) | st.lists(items, min_size=16, max_size=18)
    return items if _takes_null(field) or field.containing_oneof else items | st.none()


def _one(field: FieldDescriptor, levels: int) -> Json:
    return json_of(field.message_type, levels - 1) if field.message_type else _scalar(field)


def _scalar(field: FieldDescriptor) -> Json:
    return _enum(field.enum_type) if field.enum_type else _SCALARS[field.type]


def _enum(enum: EnumDescriptor) -> Json:
    if enum.full_name == "google.protobuf.NullValue":
        return st.none()
    return st.sampled_from([*enum.values_by_name, *enum.values_by_number, 7, -9])


def _key(field: FieldDescriptor) -> Json:
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.sampled_from(["true", "false"])
    return TEXT if field.type == FieldDescriptor.TYPE_STRING else _SCALARS[field.type].map(str)


def _place(field: FieldDescriptor) -> str:
    """Of fields of one oneof, only one may be there."""
    return field.containing_oneof.full_name if field.containing_oneof else field.full_name


def _takes_null(field: FieldDescriptor) -> bool:
    kind = field.message_type or field.enum_type
    return kind is not None and kind.full_name in _TAKE_NULL


def _lists_nulls(field: FieldDescriptor) -> bool:
    """Lists of NullValue are left out: json_format reads none, not even those that it wrote."""
    return field.is_repeated and field.enum_type is not None and _takes_null(field)


def _entry(field: FieldDescriptor) -> Descriptor | None:
    """The type of a map's entries, if the field is a map."""
    return field.message_type if field.message_type and field.message_type.GetOptions().map_entry else None
