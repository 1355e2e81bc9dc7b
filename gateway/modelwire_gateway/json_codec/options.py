"""The options of modelwire/http/v1/options.proto, and the names fields go by in JSON."""

from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from modelwire.http.v1 import options_pb2

STRUCT: Final = "google.protobuf.Struct"

# Generated stubs do not say which message an extension extends.
_FIELD_JSON: Final[Any] = options_pb2.field_json
_MESSAGE_JSON: Final[Any] = options_pb2.message_json


def field_options(field: FieldDescriptor) -> options_pb2.FieldJson:
    return cast(options_pb2.FieldJson, field.GetOptions().Extensions[_FIELD_JSON])


def message_type(field: FieldDescriptor) -> Descriptor:
    """The type of a field that is a message."""
    return cast(Descriptor, field.message_type)


def enum_type(field: FieldDescriptor) -> EnumDescriptor:
    """The type of a field that is an enum."""
    return cast(EnumDescriptor, field.enum_type)


def rest_name(field: FieldDescriptor) -> str:
    """The name of a field in a REST answer."""
    message = cast(Descriptor, field.containing_type).GetOptions().Extensions[_MESSAGE_JSON]
    return field.name if message.proto_field_names else field.json_name


def overflow_field(descriptor: Descriptor) -> FieldDescriptor | None:
    """The field that takes the members no other field declares. Raises ValueError if it cannot."""
    for field in descriptor.fields:
        if field_options(field).overflow:
            if field.is_repeated or field.message_type is None or field.message_type.full_name != STRUCT:
                raise ValueError(f"{field.full_name}: an overflow field must be a single {STRUCT}")
            return field
    return None


def json_fields(descriptor: Descriptor) -> list[FieldDescriptor]:
    """The fields that have a name of their own in JSON. Groups have no JSON form here."""
    return [
        field
        for field in descriptor.fields
        if field.type != FieldDescriptor.TYPE_GROUP and not field_options(field).overflow
    ]


def takes_null(field: FieldDescriptor) -> bool:
    """Whether null is a value of the field's type, not the absence of one."""
    kind = field.message_type or field.enum_type
    return kind is not None and kind.full_name in {"google.protobuf.Value", "google.protobuf.NullValue"}


def null_is_value(field: FieldDescriptor) -> bool:
    """Whether null where the field stands is its value, which no null is for a list."""
    return takes_null(field) and not field.is_repeated


def is_map(field: FieldDescriptor) -> bool:
    return bool(
        field.type == FieldDescriptor.TYPE_MESSAGE and field.is_repeated and message_type(field).GetOptions().map_entry
    )
