"""Both directions against google.protobuf.json_format, wherever that is right."""

import base64
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st
from modelwire_gateway.json_codec import JsonError, JsonValue, MessageCodec, dump_json, field_encoder

Find = Callable[[str], Descriptor]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
INT32, INT64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
UINT32, UINT64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
DOUBLE = st.floats(allow_nan=False, allow_infinity=False)
SPECIAL = st.sampled_from(["NaN", "Infinity", "-Infinity"])
FLOAT = st.floats(width=32, allow_nan=False, allow_infinity=False)
BYTES = st.binary(max_size=6).map(lambda raw: base64.b64encode(raw).decode())
COLOR = st.sampled_from(["COLOR_UNSPECIFIED", "RED", "BLUE", "NEGATIVE", 7, -9])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | DOUBLE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TIME = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
DURATION = st.builds(
    lambda seconds, nanos: f"{seconds}.{nanos:09d}s", st.integers(-(10**11), 10**11), st.integers(0, 10**9 - 1)
)
MASK = st.lists(st.from_regex(r"\A[a-z][a-z0-9]{0,3}([A-Z][a-z0-9]{1,3}){0,2}\Z"), max_size=3).map(",".join)


def wide(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[int | str]:
    return numbers | numbers.map(str)


def members(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def lists(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=20)


SCALARS = members(
    int32Value=INT32, int64Value=wide(INT64), uint32Value=UINT32, uint64Value=wide(UINT64), sint32Value=INT32,
    sint64_value=wide(INT64), fixed32_value=UINT32, fixed64_value=wide(UINT64), sfixed32_value=INT32,
    sfixed64Value=wide(INT64), floatValue=FLOAT | SPECIAL, doubleValue=DOUBLE | SPECIAL, boolValue=st.booleans(),
    stringValue=TEXT, bytesValue=BYTES, colorValue=COLOR, **{"@alias": TEXT},
)  # fmt: skip
MESSAGES = {
    "Scalars": SCALARS,
    "Optionals": members(
        int32Value=INT32 | st.none(), int64_value=wide(INT64), doubleValue=DOUBLE, boolValue=st.booleans(),
        stringValue=TEXT, bytesValue=BYTES, colorValue=COLOR,
    ),
    "Lists": members(
        int32Values=lists(INT32), int64Values=lists(wide(INT64)), uint64Values=lists(UINT64),
        sint32Values=lists(INT32), fixed32Values=lists(UINT32), sfixed64Values=lists(INT64),
        floatValues=lists(FLOAT | SPECIAL) | st.lists(FLOAT, min_size=16, max_size=20),
        doubleValues=lists(DOUBLE | SPECIAL) | st.lists(DOUBLE, min_size=16, max_size=20),
        boolValues=lists(st.booleans()), stringValues=lists(TEXT), bytesValues=lists(BYTES),
        colorValues=lists(COLOR), messages=lists(SCALARS), anyJson=lists(JSON), times=lists(TIME),
        boxes=lists(INT64), rows=lists(lists(JSON)),
    ),
    "Maps": members(
        byString=st.dictionaries(TEXT, TEXT), byInt32=st.dictionaries(INT32.map(str), TEXT),
        byInt64=st.dictionaries(INT64.map(str), INT64), byUint64=st.dictionaries(UINT64.map(str), DOUBLE | SPECIAL),
        byBool=st.dictionaries(st.sampled_from(["true", "false"]), BYTES),
        colors=st.dictionaries(INT32.map(str), COLOR), messages=st.dictionaries(TEXT, SCALARS, max_size=3),
        anyJson=st.dictionaries(TEXT, JSON, max_size=3), durations=st.dictionaries(UINT64.map(str), DURATION),
    ),
    "Choice": st.one_of(
        members(outside=TEXT, text=TEXT, number=st.none()), members(number=INT32), members(scalars=SCALARS),
        members(anyJson=JSON), members(nothing=st.none()), members(mainColor=COLOR),
    ),
    "WellKnown": members(
        time=TIME, duration=DURATION, mask=MASK, object=st.dictionaries(TEXT, JSON), anyJson=JSON,
        row=lists(JSON) | st.lists(DOUBLE, min_size=16, max_size=30), doubleBox=DOUBLE | SPECIAL, floatBox=FLOAT,
        int64Box=wide(INT64), uint64Box=wide(UINT64), int32Box=INT32, uint32Box=UINT32, boolBox=st.booleans(),
        stringBox=TEXT, bytesBox=BYTES, empty=st.just({}), nothing=st.none(),
        any=st.just({}) | SCALARS.map(lambda inner: {"@type": "x/everything.Scalars"} | inner)
        | TIME.map(lambda time: {"@type": "type.googleapis.com/google.protobuf.Timestamp", "value": time})
        | st.lists(TEXT).map(lambda value: {"@type": "/google.protobuf.Value", "value": value}),
    ),
    "Tree": members(
        name=TEXT, left=members(name=TEXT, left=members(children=lists(st.just({})))),
        byName=st.dictionaries(TEXT, members(name=TEXT)), object=st.dictionaries(TEXT, JSON),
    ),
}  # fmt: skip


def wire_by_oracle(descriptor: Descriptor, value: JsonValue) -> Message:
    return json_format.ParseDict(value, GetMessageClass(descriptor)(), descriptor_pool=descriptor.file.pool)


def json_by_oracle(message: Message) -> JsonValue:
    return json_format.MessageToDict(message, descriptor_pool=cast(DescriptorPool, message.DESCRIPTOR.file.pool))


@pytest.mark.parametrize("name", MESSAGES)
def test_agrees_with_the_reference_in_both_directions(name: str, message: Find) -> None:
    descriptor = message(name)
    codec = MessageCodec.of(descriptor)

    @settings(max_examples=30, deadline=None)
    @given(MESSAGES[name])
    def agrees(value: JsonValue) -> None:
        expected = wire_by_oracle(descriptor, value)
        wire = codec.encode(value)
        read = GetMessageClass(descriptor).FromString(wire)
        assert json_by_oracle(read) == json_by_oracle(expected)
        for written in (wire, expected.SerializeToString()):
            assert json.loads(dump_json(codec.decode(written))) == json_by_oracle(expected)

    agrees()


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
    wire = field_encoder(descriptor.fields_by_name[name])(value, name)
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
    encode = field_encoder(message("Open").fields_by_name["items"])
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
