"""Both directions against google.protobuf.json_format, for every kind of field."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from modelwire_gateway.json_codec import Codecs, JsonOptions, JsonValue, dump_json
from support.images import Find
from support.proto_json import json_of

NAMES = (
    "Scalars", "Optionals", "Present", "Lists", "Packed", "Unpacked", "Maps", "Keys", "MapValues", "Choice", "OneOf",
    "WellKnown", "Tree",
)  # fmt: skip
CODECS = Codecs()
ALL_ZEROS = Codecs(JsonOptions(proto_field_names=True, print_zero_values=True))
TOLERANT = Codecs(JsonOptions(unknown_fields="ignore"))

SCALARS = {
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
    "sfixed64", "bool", "string", "bytes", "enum",
}  # fmt: skip
WELL_KNOWN = {
    "Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue", "DoubleValue", "FloatValue", "Int64Value",
    "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue", "Any", "Empty", "NullValue",
}  # fmt: skip


def wire_by_oracle(descriptor: Descriptor, value: JsonValue) -> Message:
    return json_format.ParseDict(value, GetMessageClass(descriptor)(), descriptor_pool=descriptor.file.pool)


def json_by_oracle(message: Message, **options: bool) -> JsonValue:
    pool = cast(DescriptorPool, message.DESCRIPTOR.file.pool)
    return json_format.MessageToDict(message, descriptor_pool=pool, **options)


def reread(value: JsonValue) -> JsonValue:
    """As a caller has it: through its text."""
    return json.loads(dump_json(value))


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_reference_in_both_directions(name: str, message: Find) -> None:
    descriptor = message(name)
    codec, with_zeros = CODECS.message(descriptor), ALL_ZEROS.message(descriptor)

    @settings(max_examples=25, deadline=None)
    @given(json_of(descriptor))
    def agrees(value: JsonValue) -> None:
        expected = wire_by_oracle(descriptor, value)
        canonical = json_by_oracle(expected)
        wire = codec.encode(value)
        assert json_by_oracle(GetMessageClass(descriptor).FromString(wire)) == canonical
        for written in (wire, expected.SerializeToString()):
            assert reread(codec.decode(written)) == canonical
            assert reread(with_zeros.decode(written)) == json_by_oracle(
                expected, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
        assert reread(codec.decode(codec.encode(canonical))) == canonical
        assert json_by_oracle(wire_by_oracle(descriptor, reread(codec.decode(wire)))) == canonical

    agrees()


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_reference_on_what_to_ignore(name: str, message: Find) -> None:
    descriptor = message(name)
    codec = TOLERANT.message(descriptor)

    @settings(max_examples=20, deadline=None)
    @given(json_of(descriptor), json_of(message("Scalars")))
    def agrees(value: JsonValue, nobody: JsonValue) -> None:
        expected = json_format.ParseDict(
            value | {"nobody": nobody},
            GetMessageClass(descriptor)(),
            ignore_unknown_fields=True,
            descriptor_pool=descriptor.file.pool,
        )
        wire = codec.encode(value | {"nobody": nobody})
        assert json_by_oracle(GetMessageClass(descriptor).FromString(wire)) == json_by_oracle(expected)

    agrees()


def test_every_kind_of_field_is_compared(message: Find) -> None:
    places = {place for name in NAMES for field in message(name).fields for place in places_of(field)}
    numbers = SCALARS - {"string", "bytes"}
    expected = {(kind, place) for kind in SCALARS | {"message"} for place in ("single", "oneof", "map value")}
    expected |= {(kind, "optional") for kind in SCALARS}
    expected |= {(kind, "repeated") for kind in ("string", "bytes", "message")}
    expected |= {(kind, place) for kind in numbers for place in ("packed", "unpacked")}
    expected |= {(kind, "map key") for kind in SCALARS - {"double", "float", "bytes", "enum"}}
    expected |= {(f"google.protobuf.{name}", "single") for name in WELL_KNOWN}
    assert not expected - places


def places_of(field: FieldDescriptor) -> Iterator[tuple[str, str]]:
    """Kind and place of a field: kinds of scalars, `message`, and the full names of well-known types."""
    entry: Any = field.message_type if field.message_type and field.message_type.GetOptions().map_entry else None
    if entry:
        yield kind_of(entry.fields_by_name["key"]), "map key"
        yield kind_of(entry.fields_by_name["value"]), "map value"
    elif field.is_repeated:
        whole = field.message_type or kind_of(field) in ("string", "bytes")
        yield kind_of(field), "repeated" if whole else "packed" if field.is_packed else "unpacked"
    elif field.containing_oneof:
        yield kind_of(field), "oneof" if len(field.containing_oneof.fields) > 1 else "optional"
    else:
        yield kind_of(field), "single"


def kind_of(field: FieldDescriptor) -> str:
    named: Any = field.message_type or field.enum_type
    if named and named.full_name.startswith("google.protobuf."):
        return str(named.full_name)
    return FIELD_KINDS[field.type]


FIELD_KINDS = {
    value: name.removeprefix("TYPE_").lower()
    for name, value in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}
