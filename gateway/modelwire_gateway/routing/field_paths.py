"""Paths of fields inside a request message, as path templates and query keys name them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from modelwire_gateway.json_codec.errors import clip
from modelwire_gateway.json_codec.options import json_fields
from modelwire_gateway.json_codec.wire import MAX_DEPTH

FieldPath = tuple[FieldDescriptor, ...]
"""From a field of the request message down to the one that is meant."""

WRAPPERS: Final = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
TIMES: Final = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration"})
WITH_TEXT_FORM: Final = (
    WRAPPERS | TIMES | {f"google.protobuf.{kind}" for kind in ("FieldMask", "Struct", "Value", "ListValue")}
)
"""The messages that one text can stand for."""
ONE_VALUE: Final = WITH_TEXT_FORM | {"google.protobuf.Any"}
"""The messages whose fields cannot be bound one by one."""


class FieldPathError(ValueError):
    """A path that names no field that a text could be bound to."""


class UnknownField(FieldPathError):
    """A path that names no field at all."""


def by_proto_name(message: Descriptor) -> dict[str, FieldDescriptor]:
    """The fields by the names that the .proto file has; the field that takes overflow, and groups, have none."""
    return {field.name: field for field in json_fields(message)}


class FieldNames:
    """The fields of messages by the names of the .proto file and by the JSON names, gathered once for each message."""

    def __init__(self) -> None:
        self._fields: dict[Descriptor, dict[str, FieldDescriptor]] = {}

    def of(self, message: Descriptor) -> dict[str, FieldDescriptor]:
        if (fields := self._fields.get(message)) is None:
            by_name = by_proto_name(message)
            fields = self._fields[message] = {field.json_name: field for field in by_name.values()} | by_name
        return fields


def resolve(
    message: Descriptor,
    names: Sequence[str],
    fields_of: Callable[[Descriptor], dict[str, FieldDescriptor]],
) -> FieldPath:
    """The fields that a dotted path names, looked up with `by_proto_name` or `FieldNames.of`.

    Raises UnknownField, and FieldPathError where the path passes through a repeated field, ends at a message
    that no text can stand for, or at a map.
    """
    if len(names) > MAX_DEPTH:
        raise FieldPathError(f"nests more than {MAX_DEPTH} messages")
    path: list[FieldDescriptor] = []
    holder: Descriptor | None = message
    for name in names:
        if path and path[-1].is_repeated:
            raise FieldPathError(f"passes through the repeated field {path[-1].name!r}")
        field = fields_of(holder).get(name) if holder else None
        if field is None:
            raise UnknownField(f"names no field {clip(name)!r}" + (f" of {holder.full_name}" if holder else ""))
        path.append(field)
        holder = _message_of(field)
    _require_text_form(path[-1])
    return tuple(path)


def numbers(path: FieldPath) -> tuple[int, ...]:
    """The field numbers of a path: its identity, however it was spelled."""
    return tuple(field.number for field in path)


def oneof_choices(path: FieldPath) -> Iterator[tuple[tuple[int | str, ...], int]]:
    """Which member a path chooses of each oneof that it passes: (where the oneof stands, member's number)."""
    place = numbers(path)
    for depth, field in enumerate(path):
        if field.containing_oneof is not None:
            yield (*place[:depth], field.containing_oneof.name), field.number


def _message_of(field: FieldDescriptor) -> Descriptor | None:
    """The message to look further in; None for scalars and for messages that are one value."""
    holder = field.message_type
    return None if holder is None or holder.full_name in ONE_VALUE else holder


def _require_text_form(field: FieldDescriptor) -> None:
    holder = field.message_type
    if holder is None or holder.full_name in WITH_TEXT_FORM:
        return
    if holder.GetOptions().map_entry:
        raise FieldPathError(f"ends at the map {field.name!r}")
    raise FieldPathError(f"ends at the message {field.name!r}, not at a field of it")
