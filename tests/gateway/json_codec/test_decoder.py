"""The wire format as parsers have to take it, with upb as the judge."""

import json
import re
import struct
from typing import cast

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st
from modelwire_gateway.json_codec import JsonError, JsonValue, MessageCodec, dump_json, length_delimited
from support.images import Find


def delimited(number: int, *payloads: bytes) -> bytes:
    return length_delimited(number, b"".join(payloads))


def number_value(number: float) -> bytes:
    return b"\x11" + struct.pack("<d", number)


@pytest.mark.parametrize(
    ("name", "wire", "value"),
    [
        ("Scalars", b"\x08\x01\x08\x02", {"int32Value": 2}),  # the last stands
        ("Scalars", b"\x08\x01\x08\x00", {}),
        ("Scalars", b"\x08\x80\x80\x80\x80\x10", {}),  # 2**32, cut to 32 bits
        ("Scalars", b"\x08\xff\xff\xff\xff\x0f", {"int32Value": -1}),
        ("Scalars", b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", {"uint32Value": 2**32 - 1}),
        ("Scalars", b"\x68\x02", {"boolValue": True}),
        ("Scalars", b"\x80\x01\x07", {"colorValue": 7}),
        ("Scalars", b"\x09" + bytes(8) + b"\x0a\x01x" + b"\x0d" + bytes(4), {}),  # other wire types: unknown
        ("Scalars", b"\xa0\x3f\x01\xa2\x3f\x01x\x08\x01", {"int32Value": 1}),  # field 1012 is unknown
        ("Scalars", b"\xa3\x3f\x08\x05\xab\x3f\xac\x3f\xa4\x3f\x08\x01", {"int32Value": 1}),  # an unknown group
        ("Scalars", b"\x61" + struct.pack("<d", float("nan")), {"doubleValue": "NaN"}),
        ("Lists", b"\x08\x01\x0a\x02\x02\x03\x08\x04", {"int32Values": [1, 2, 3, 4]}),  # packed and not
        ("Lists", b"\x18\x01\x1a\x02\x02\x03", {"uint64Values": ["1", "2", "3"]}),
        ("Lists", b"\x0a\x00\x42\x00", {}),
        (
            "Lists",
            b"\x42\x10" + struct.pack("<2d", 0.5, 2) + b"\x41" + struct.pack("<d", 1.5),
            {"doubleValues": [0.5, 2, 1.5]},
        ),
        ("Maps", b"\x0a\x00", {"byString": {"": ""}}),
        ("Maps", delimited(1, b"\x12\x01v\x0a\x01k"), {"byString": {"k": "v"}}),
        ("Maps", delimited(1, b"\x0a\x01a\x0a\x01k\x12\x01u\x12\x01v"), {"byString": {"k": "v"}}),
        ("Maps", delimited(5, b"\x08\x01") + delimited(5), {"byBool": {"true": "", "false": ""}}),
        (
            "Maps",
            delimited(7, b"\x12\x02\x08\x01\x12\x02\x10\x02"),
            {"messages": {"": {"int32Value": 1, "int64Value": "2"}}},
        ),
        ("Maps", delimited(8, b"\x0a\x01k"), {"anyJson": {"k": None}}),
        ("Choice", b"\x0a\x01x\x10\x05", {"number": 5}),
        ("Choice", b"\x10\x05\x0a\x00", {"text": ""}),
        (
            "Choice",
            delimited(3, b"\x08\x01") + delimited(3, b"\x10\x02"),
            {"scalars": {"int32Value": 1, "int64Value": "2"}},
        ),
        (
            "Choice",
            delimited(3, b"\x08\x01") + b"\x10\x05" + delimited(3, b"\x10\x02"),
            {"scalars": {"int64Value": "2"}},
        ),
        ("Tree", delimited(2, b"\x0a\x01a") + delimited(2, delimited(2)), {"left": {"name": "a", "left": {}}}),
        ("WellKnown", b"\x0a\x02\x08\x05\x0a\x05\x10\x80\xad\xe2\x04", {"time": "1970-01-01T00:00:05.010Z"}),
        ("WellKnown", delimited(9), {"int64Box": "0"}),
        (
            "WellKnown",
            delimited(14) + delimited(15) + delimited(13),
            {"boolBox": False, "stringBox": "", "bytesBox": ""},
        ),
        ("WellKnown", delimited(5), {"anyJson": None}),
        ("WellKnown", delimited(5, b"\x20\x02"), {"anyJson": True}),
        ("WellKnown", delimited(5, b"\x20\x80\x01"), {"anyJson": True}),
        ("WellKnown", delimited(5, b"\x1a\x01x\x20\x00"), {"anyJson": False}),
        ("WellKnown", delimited(5, b"\x20\x00\x1a\x01x"), {"anyJson": "x"}),
        ("WellKnown", delimited(5, b"\x1a\x01x\x08\x00"), {"anyJson": None}),
        ("WellKnown", delimited(5, b"\x1a\x01x\x48\x00"), {"anyJson": "x"}),  # field 9 is unknown
        ("WellKnown", delimited(5, number_value(1), number_value(2)), {"anyJson": 2}),
        ("WellKnown", delimited(5, b"\x32\x04\x0a\x02\x20\x01\x32\x04\x0a\x02\x20\x00"), {"anyJson": [True, False]}),
        ("WellKnown", delimited(5, b"\x32\x04\x0a\x02\x20\x01\x1a\x00\x32\x04\x0a\x02\x20\x00"), {"anyJson": [False]}),
        (
            "WellKnown",
            delimited(5, b"\x32\x04\x0a\x02\x20\x01") + delimited(5, b"\x32\x04\x0a\x02\x20\x00"),
            {"anyJson": [True, False]},
        ),
        ("WellKnown", delimited(4, b"\x0a\x00"), {"object": {"": None}}),
        ("WellKnown", delimited(4, b"\x0a\x03\x0a\x01k"), {"object": {"k": None}}),
        ("WellKnown", delimited(4, b"\x0a\x04\x0a\x02kk"), {"object": {"kk": None}}),
        ("WellKnown", delimited(4, b"\x0a\x07\x12\x02\x20\x01\x0a\x01k"), {"object": {"k": True}}),
        ("WellKnown", delimited(4, b"\x0a\x07\x0a\x01k\x12\x02\x20\x01\x10\x01"), {"object": {"k": True}}),
        (
            "WellKnown",
            delimited(4, b"\x0a\x07\x0a\x01k\x12\x02\x20\x01\x0a\x07\x0a\x01k\x12\x02\x20\x00"),
            {"object": {"k": False}},
        ),
        ("WellKnown", delimited(6, b"\x10\x01\x0a\x02\x20\x01"), {"row": [True]}),
    ],
)
def test_reads_what_the_wire_format_allows(name: str, wire: bytes, value: JsonValue, message: Find) -> None:
    descriptor = message(name)
    assert MessageCodec.of(descriptor).decode(wire) == value
    judged = GetMessageClass(descriptor).FromString(wire)
    assert json_format.MessageToDict(judged, descriptor_pool=descriptor.file.pool) == value


@pytest.mark.parametrize(
    ("name", "wire", "error"),
    [
        ("Scalars", b"\x08", "malformed message"),
        ("Scalars", b"\x08\x80", "malformed message"),
        ("Scalars", b"\x08" + b"\xff" * 10 + b"\x01", "malformed message"),
        ("Scalars", b"\x72\x05abc", "malformed message"),
        ("Scalars", b"\x65\x01", "malformed message"),
        ("Scalars", b"\x00\x01", "malformed message"),  # field 0
        ("Scalars", b"\x02\x00", "malformed message"),
        ("Scalars", b"\x0e\x01", "malformed message"),  # wire type 6
        ("Scalars", b"\x0c", "malformed message"),  # the end of no group
        ("Scalars", b"\xa3\x3f\x08\x05", "malformed message"),  # a group without end
        ("Scalars", b"\xa3\x3f\xac\x3f", "malformed message"),
        ("Scalars", b"\xa3\x3f" * 200 + b"\xa4\x3f" * 200, "malformed message"),
        ("Scalars", b"\x72\x01\xff", "stringValue: is not valid UTF-8"),
        ("Lists", b"\x0a\x01\x80", "malformed message"),
        ("Lists", b"\x42\x07" + bytes(7), "malformed message"),
        ("Lists", b"\x52\x00\x52\x01\xff", "stringValues[1]: is not valid UTF-8"),
        ("Maps", delimited(1, b"\x0a\x01k\x12\x01\xff"), "byString.k: is not valid UTF-8"),
        ("Maps", delimited(1, b"\x0a\x05k"), "malformed message"),
        ("WellKnown", delimited(4, b"\x0a\x09\x0a\x01k\x12\x02\x20\x01"), "malformed message"),
        ("WellKnown", delimited(4, b"\x0a\x07\x0a\x01k\x12\x03\x20\x01\x00"), "malformed message"),
        ("WellKnown", delimited(4, b"\x0a\x09\x0a\x01k\x12\x04\x1a\x01\xff\x00"), "malformed message"),
        ("WellKnown", delimited(4, b"\x0a\x08\x0a\x01k\x12\x03\x1a\x01\xff"), "object.k: is not valid UTF-8"),
        ("WellKnown", delimited(4, b"\x0a\x07\x0a\x01\xff\x12\x02\x20\x01"), "object: is not valid UTF-8"),
        (
            "WellKnown",
            delimited(6, b"\x0a\x02\x20\x01", b"\x0a\x09", number_value(float("inf"))),
            "row[1]: is not a finite number",
        ),
        ("WellKnown", delimited(6, (b"\x0a\x09" + number_value(float("nan"))) * 20), "row[0]: is not a finite number"),
        ("WellKnown", delimited(1, b"\x10\x80\x94\xeb\xdc\x03"), "time: is out of the range of times"),
        ("WellKnown", delimited(5, b"\x20\x80"), "malformed message"),
        # What is replaced must be well-formed too, and each part of what is merged.
        ("WellKnown", delimited(5, b"\x2a\x03\x0a\x7a\x02\x08\x00"), "malformed message"),
        ("WellKnown", delimited(5, b"\x32\x01\x0a\x32\x01\x00"), "malformed message"),
        ("WellKnown", delimited(4, b"\x0a") + delimited(4, b"\x00"), "malformed message"),
        ("WellKnown", delimited(4, b"\x0a\x06\x0a\x01\xff\x0a\x01k"), "object: is not valid UTF-8"),
        ("WellKnown", delimited(14, b"\x0a\x01\xff\x0a\x01k"), "stringBox: is not valid UTF-8"),
        ("WellKnown", delimited(16, b"\x0a\x01\xff\x0a\x01k"), "any: is not valid UTF-8"),
        ("Maps", delimited(1, b"\x0a\x01\xff\x0a\x01k"), "byString: is not valid UTF-8"),
        ("Maps", delimited(1, b"\x12\x01\xff\x12\x01k"), "byString: is not valid UTF-8"),
        ("Choice", delimited(3, b"\x08") + b"\x0a\x01x", "malformed message"),
        ("Choice", delimited(3, b"\x08") + b"\x10\x01", "malformed message"),
        ("Choice", delimited(4, b"\x0a\x05") + delimited(3), "malformed message"),
        (
            "Open",
            delimited(4, b"\x0a\x0f\x0a\x09last_name\x12\x02\x20\x01"),
            "extra_fields.last_name: is a declared field",
        ),
        (
            "Open",
            delimited(4, b"\x0a\x0e\x0a\x08lastName\x12\x02\x20\x01"),
            "extra_fields.lastName: is a declared field",
        ),
    ],
)
def test_refuses_what_is_malformed(name: str, wire: bytes, error: str, message: Find) -> None:
    codec = MessageCodec.of(message(name))
    with pytest.raises(JsonError, match=f"^{re.escape(error)}$"):
        codec.decode(wire)
    with pytest.raises(JsonError, match=f"{re.escape(error.rpartition(': ')[2])}$"):
        codec.decode_proto_names(wire)


@pytest.mark.parametrize("unknown", [b"\x18\x01", b"\x1a\x01x", b"\x1d" + bytes(4)])
def test_unknown_fields_in_entries_are_skipped(unknown: bytes, message: Find) -> None:
    """As C++, Go and Java do; upb takes the whole entry for unknown."""
    entry = delimited(1, b"\x0a\x01k", unknown, b"\x12\x01v")
    assert MessageCodec.of(message("Maps")).decode(entry) == {"byString": {"k": "v"}}
    entry = delimited(4, delimited(1, b"\x0a\x01k", unknown, b"\x12\x02\x20\x01"))
    assert MessageCodec.of(message("WellKnown")).decode(entry) == {"object": {"k": True}}


PIECES = st.sampled_from([
    b"\x0a", b"\x12", b"\x1a", b"\x22", b"\x2a", b"\x32", b"\x08", b"\x10", b"\x20", b"\x11", b"\x00", b"\x01", b"\x02",
    b"\x03", b"\x04", b"\x06", b"\x80", b"\xff", b"k", bytes(8), b"\x0a\x01k\x12\x02\x20\x01", b"\x0a\x02\x20\x01",
    b"\x0b", b"\x0c", b"\x7a\x02\x08\x01",
])  # fmt: skip


@pytest.mark.parametrize("name", ["Tree", "WellKnown", "Lists", "Maps", "Choice"])
def test_takes_any_bytes_as_upb_does(name: str, message: Find) -> None:
    descriptor = message(name)
    codec, judge = MessageCodec.of(descriptor), GetMessageClass(descriptor)
    # upb looks at no tag of a message without fields, not even whether it is one
    nested = [field.number for field in descriptor.fields if field.message_type and field.name != "empty"]

    @settings(max_examples=100, deadline=None)
    @given(st.lists(PIECES, max_size=12).map(b"".join))
    def agrees(wire: bytes) -> None:
        for whole in (wire, *(delimited(number, wire) for number in nested)):
            _assert_same_verdict(codec, judge, whole)

    agrees()


def _assert_same_verdict(codec: MessageCodec, judge: type[Message], wire: bytes) -> None:
    try:
        judged = judge.FromString(wire)
    except DecodeError:
        with pytest.raises(JsonError):
            codec.decode(wire)
        return
    try:
        expected = json_format.MessageToDict(judged, descriptor_pool=cast(DescriptorPool, judge.DESCRIPTOR.file.pool))
    except (ValueError, TypeError, KeyError, OverflowError):  # parsed, but has no JSON form
        return
    try:
        value = json.loads(dump_json(codec.decode(wire)))
    except JsonError as error:
        assert error.reason != "malformed message"  # noqa: PT017
        return
    assert value == expected or _has_unknown_fields(judged)


def _has_unknown_fields(message: Message) -> bool:
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    return known.ByteSize() != message.ByteSize()
