"""Valid proto3 JSON for any message type, at random."""

import base64
from collections.abc import Callable
from random import Random
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

Make = Callable[[Random], Any]

TEXTS: Final = (
    "",
    "a",
    "models/x",
    "two words",
    "0",
    "true",
    "Zürich 東京 🙂",
    '"\\/\b\n',
    "x" * 300,
    "a%2Fb",
    "\x00",
    "..",
)

_SIGNED_32: Final = (0, 1, -1, 7, 2**31 - 1, -(2**31), 1e3, "12", 2.0)
_SIGNED_64: Final = (*_SIGNED_32, 2**53, str(2**63 - 1), str(-(2**63)))
_UNSIGNED_32: Final = (0, 1, 2**32 - 1, "3", 4.0)
_UNSIGNED_64: Final = (*_UNSIGNED_32, str(2**64 - 1))
_FLOATS: Final = (0, -0.0, 0.1, 1.5e30, -3, "NaN", "-Infinity", "2.5", 1e-40)
_BYTES: Final = tuple(base64.b64encode(data).decode() for data in (b"", b"a", b"\xff\xfe\x00", b"x" * 200))
_NUMBERS: Final = [0, 1, -2.5, 1e300]


def _one_of(choices: tuple[Any, ...]) -> Make:
    return lambda random: random.choice(choices)


_SCALARS: Final[dict[int, Make]] = {
    FieldDescriptor.TYPE_STRING: _one_of(TEXTS),
    FieldDescriptor.TYPE_BYTES: _one_of((*_BYTES, "_-_-", "/+/+", "YQ")),
    FieldDescriptor.TYPE_BOOL: _one_of((True, False)),
    FieldDescriptor.TYPE_FLOAT: _one_of(_FLOATS),
    FieldDescriptor.TYPE_DOUBLE: _one_of((*_FLOATS, 1e308, 5e-324)),
    **dict.fromkeys(
        (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32), _one_of(_SIGNED_32)
    ),
    **dict.fromkeys(
        (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64, FieldDescriptor.TYPE_SFIXED64), _one_of(_SIGNED_64)
    ),
    **dict.fromkeys((FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32), _one_of(_UNSIGNED_32)),
    **dict.fromkeys((FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64), _one_of(_UNSIGNED_64)),
}


def any_json(random: Random, depth: int = 3) -> Any:
    """Any JSON value."""
    kinds = 7 if depth else 5
    match random.randrange(kinds):
        case 0:
            return None
        case 1:
            return random.choice((True, False))
        case 2:
            return random.choice((0, -1, 2.5, 1e100, 2**60))
        case 3 | 4:
            return random.choice(TEXTS)
        case 5:
            return [any_json(random, depth - 1) for _ in range(random.randrange(4))]
    return {random.choice(TEXTS): any_json(random, depth - 1) for _ in range(random.randrange(4))}


def _packed(random: Random) -> dict[str, Any]:
    return random.choice(
        (
            {},
            {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.5s"},
            {"@type": "type.googleapis.com/google.protobuf.Struct", "value": {"a": [1, None]}},
            {"@type": "type.googleapis.com/google.protobuf.Any", "value": {"@type": "x/google.protobuf.Empty"}},
            {"@type": "type.googleapis.com/google.api.HttpBody", "contentType": "a", "data": "YQ=="},
        )
    )


_WELL_KNOWN: Final[dict[str, Make]] = {
    "google.protobuf.Timestamp": _one_of(
        ("1970-01-01T00:00:00Z", "2026-02-28T23:59:59.123456789+05:30", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
    ),
    "google.protobuf.Duration": _one_of(("0s", "-1.5s", "315576000000s", "0.000000001s")),
    "google.protobuf.FieldMask": _one_of(("", "name", "child.name,longName")),
    "google.protobuf.Struct": lambda random: {random.choice(TEXTS): any_json(random) for _ in range(3)},
    "google.protobuf.ListValue": lambda random: random.choice((_NUMBERS * random.randrange(20), [any_json(random)])),
    "google.protobuf.Value": any_json,
    "google.protobuf.Any": _packed,
    "google.protobuf.Empty": _one_of(({},)),
    "google.protobuf.StringValue": _SCALARS[FieldDescriptor.TYPE_STRING],
    "google.protobuf.BytesValue": _SCALARS[FieldDescriptor.TYPE_BYTES],
    "google.protobuf.BoolValue": _SCALARS[FieldDescriptor.TYPE_BOOL],
    "google.protobuf.DoubleValue": _SCALARS[FieldDescriptor.TYPE_DOUBLE],
    "google.protobuf.Int64Value": _SCALARS[FieldDescriptor.TYPE_INT64],
}


def message_json(message: Descriptor, random: Random, depth: int = 3) -> Any:
    """Some of the fields of a message, or of a well-known type its own JSON."""
    if make := _WELL_KNOWN.get(message.full_name):
        return make(random)
    if not depth:
        return {}
    chosen = random.sample(list(message.fields), min(len(message.fields), random.choice((0, 1, 3, 8))))
    taken: set[str] = set()
    value = {}
    for field in chosen:
        if field.containing_oneof and field.containing_oneof.name in taken:
            continue
        taken.add(field.containing_oneof.name if field.containing_oneof else "")
        value[random.choice((field.json_name, field.name))] = field_json(field, random, depth - 1)
    return value


def field_json(field: FieldDescriptor, random: Random, depth: int = 3) -> Any:
    """A value of a field, with its repetition."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        return {_key(key, random): _single(value, random, depth) for _ in range(random.randrange(3))}
    if field.is_repeated:
        return [_single(field, random, depth) for _ in range(random.choice((0, 1, 2, 30)) if depth else 1)]
    return _single(field, random, depth)


def field_text(field: FieldDescriptor, random: Random) -> str:
    """A value of a field as a path or a query has it; of a message, that of no field in particular."""
    value = _single(field, random, 0)
    return value if isinstance(value, str) else str(value).lower()


def _key(field: FieldDescriptor, random: Random) -> str:
    key = _single(field, random, 0)
    return str(int(key) if isinstance(key, float) else key).lower()


def _single(field: FieldDescriptor, random: Random, depth: int) -> Any:
    if field.message_type is not None:
        return message_json(field.message_type, random, depth)
    if field.enum_type is not None:
        declared = random.choice(field.enum_type.values)
        return random.choice((declared.name, declared.number, 99))
    return _SCALARS[field.type](random)
