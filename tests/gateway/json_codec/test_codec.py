"""What a codec of one message type does beyond proto3 JSON, and with what is around it."""

import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from modelwire_gateway.json_codec import Codecs, JsonError, JsonValue, MessageCodec, dump_json
from support.images import Find


def test_members_of_a_struct_keep_their_order(message: Find) -> None:
    names = [f"name{number * 7919 % 30}" for number in range(30)]
    value = {"object": {name: dict.fromkeys(reversed(names), 1) for name in names}}
    codec = MessageCodec.of(message("WellKnown"))
    again = codec.decode(codec.encode(value))
    assert list(again["object"]) == names
    assert all(list(inner) == names[::-1] for inner in again["object"].values())


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("Open", {}, {"first_index": 0, "items": []}),
        ("Open", {"created_at": "5"}, {"first_index": 0, "created_at": 5, "items": []}),
        ("Open", {"lastName": "z", "firstIndex": 2}, {"first_index": 2, "items": [], "last_name": "z"}),
        (
            "Open",
            {"zeta": {"b": 1, "a": None}, "items": [{"bigNumber": 1}], "alpha": None, "extra_fields": {"x": 1}},
            {
                "first_index": 0,
                "items": [{"bigNumber": "1", "labels": {}, "mainColor": "COLOR_UNSPECIFIED"}],
                "zeta": {"b": 1, "a": None},
                "alpha": None,
                "extra_fields": {"x": 1},
            },
        ),
        ("WellKnown", {"object": {"a": 5.0, "b": 1e300, "c": 0.5}}, {"object": {"a": 5, "b": 1e300, "c": 0.5}}),
        ("Scalars", {"float_value": 0.1, "double_value": 3.0}, {"floatValue": 0.1, "doubleValue": 3}),
    ],
)
def test_rest_answers_follow_the_options(name: str, value: JsonValue, written: JsonValue, message: Find) -> None:
    codec = MessageCodec.of(message(name))
    assert dump_json(codec.decode(codec.encode(value))) == dump_json(written)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("Open", {"extra": 1, "createdAt": 7}, {"created_at": 7, "extra": 1}),
        ("Closed", {"bigNumber": "9007199254740993"}, {"big_number": 9007199254740993}),
        (
            "Scalars",
            {"int64Value": 0, "colorValue": "BLUE", "@alias": "x"},
            {"color_value": "BLUE", "renamed_value": "x"},
        ),
        ("Optionals", {"int32Value": 0, "boolValue": False}, {"int32_value": 0, "bool_value": False}),
        ("WellKnown", {"int64Box": "5", "row": [0.5] * 20}, {"int64_box": 5, "row": [0.5] * 20}),
        ("Maps", {"byInt64": {"1": "2"}}, {"by_int64": {"1": 2}}),
        ("Choice", {"anyJson": None}, {"any_json": None}),
        (
            "Tree",
            {"any": {"@type": "/everything.Closed", "bigNumber": 1}},
            {"any": {"@type": "/everything.Closed", "big_number": 1}},
        ),
    ],
)
def test_services_read_proto_names_and_integers(name: str, value: JsonValue, read: JsonValue, message: Find) -> None:
    codec = MessageCodec.of(message(name))
    assert codec.decode_proto_names(codec.encode(value)) == read


def test_null_is_absent_but_for_values_that_are_null(message: Find) -> None:
    everything = dict.fromkeys(field.json_name for field in message("WellKnown").fields)
    codec = MessageCodec.of(message("WellKnown"))
    assert codec.decode(codec.encode(everything)) == {"anyJson": None}
    assert MessageCodec.of(message("Scalars")).encode({"stringValue": None, "string_value": None}) == b""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("items", [{"bigNumber": 1}], {"items": [{"big_number": 1}]}),
        ("last_name", "", {}),
        ("last_name", None, {}),
        ("extra_fields", {"b": 1}, {"b": 1}),
    ],
)
def test_one_field_alone_can_be_written(name: str, value: JsonValue, expected: JsonValue, message: Find) -> None:
    descriptor = message("Open")
    wire = Codecs().field_encoder(descriptor.fields_by_name[name])(value, name)
    assert MessageCodec.of(descriptor).decode_proto_names(wire) == expected


@pytest.mark.parametrize(
    ("name", "absent", "value"),
    [("last_name", "", "x"), ("items", [], [{"labels": {}, "mainColor": "RED"}]), ("created_at", 0, 5)],
)
def test_one_field_alone_can_be_read(name: str, absent: JsonValue, value: JsonValue, message: Find) -> None:
    codec, field = MessageCodec.of(message("Open")), message("Open").fields_by_name[name]
    assert codec.decode_field(b"", field) == absent
    assert codec.decode_field(codec.encode({name: value}), field) == value
    assert MessageCodec.of(message("Tree")).decode_field(b"", message("Tree").fields_by_name["left"]) is None


def test_errors_of_one_field_stand_below_its_path(message: Find) -> None:
    encode = Codecs().field_encoder(message("Open").fields_by_name["items"])
    with pytest.raises(JsonError, match=r"^items\[1\].bigNumber: must be an integer$"):
        encode([{}, {"bigNumber": "x"}], "items")


def test_proto2_messages_are_tolerated(pool: DescriptorPool) -> None:
    descriptor = pool.FindMessageTypeByName("legacy.Legacy")
    codec = MessageCodec.of(descriptor)
    wire = codec.encode({"name": "", "count": 0, "shades": ["DARK"]})
    assert codec.decode(wire) == {"name": "", "count": 0, "shades": ["DARK"]}
    unknown_shades, group = b"\x18\x09\x20\x09\x22\x02\x09\x02", b"\x2b\x08\x05\x2c"
    assert codec.decode(wire + unknown_shades + group) == {"name": "", "count": 0, "shades": ["DARK", "DARK"]}
    with pytest.raises(JsonError, match=r"^shade: is not a value of the enum$"):
        codec.encode({"shade": 9})


def test_an_overflow_field_must_be_one_struct(message: Find) -> None:
    with pytest.raises(ValueError, match=r"BadOverflow.extra_fields: an overflow field must be a single"):
        MessageCodec.of(message("BadOverflow"))


def test_a_codec_is_made_once(message: Find) -> None:
    assert MessageCodec.of(message("Tree")) is MessageCodec.of(message("Tree"))
