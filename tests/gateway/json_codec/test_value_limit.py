"""More values than a request may hold, and messages that never end, are refused before they are built."""

import json
import tracemalloc

import pytest
from modelwire_gateway.json_codec import JsonError, JsonValue, MessageCodec, length_delimited, parse_json
from support.images import Find

ANY_TREE = {"@type": "/everything.Tree", "children": [{}, {"name": "x"}]}


def values_in(value: JsonValue) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(values_in, inner))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Scalars", {"int32Value": 1, "stringValue": "x" * 40, "doubleValue": 0.5}),
        ("Lists", {"int32Values": [1, 2, 300], "doubleValues": [1, 2], "stringValues": ["a", "b"]}),
        ("Lists", {"uint64Values": ["1", "2"], "fixed32Values": [1, 2], "times": ["2024-05-01T12:00:00Z"]}),
        ("Lists", {"boxes": ["1", "2"]}),
        ("Maps", {"byString": {"a": "b", "c": "d"}, "anyJson": {"k": [1, "text"]}}),
        ("WellKnown", {"object": {"a": {"b": [None, True]}, "c": "d"}, "anyJson": ["text", {}]}),
        ("WellKnown", {"row": [0.5] * 40}),
        ("WellKnown", {"any": ANY_TREE}),
        ("Open", {"first_index": 1, "extra": [1, 2], "items": [{"labels": {"a": "b"}}]}),
        ("Tree", {"left": {"left": {"name": "x"}}}),
    ],
)
def test_no_more_is_counted_than_json_has(name: str, value: JsonValue, message: Find) -> None:
    codec = MessageCodec.of(message(name))
    values = values_in(value)
    padding = length_delimited(1999, bytes(400))  # long enough to be counted
    wire = padding + codec.encode(value)
    parse_json(json.dumps(value).encode() + b" " * 400, max_values=values)
    codec.decode_proto_names(wire, max_values=values + 1)  # the padding is one
    with pytest.raises(JsonError, match=r"^holds more than 2 values$"):
        codec.decode_proto_names(wire, max_values=2)


@pytest.mark.parametrize(
    ("name", "repeated"),
    [
        ("Choice", length_delimited(3, b"")),
        ("Choice", length_delimited(4, b"")),
        ("Scalars", b"\x08\x01"),
        ("Lists", length_delimited(13, b"")),
        ("Maps", length_delimited(1, b"")),
        ("Tree", b"\xf8\x3e\x01"),  # an unknown field
    ],
)
def test_fields_that_come_again_count(name: str, repeated: bytes, message: Find) -> None:
    codec = MessageCodec.of(message(name))
    codec.decode_proto_names(repeated * 999, max_values=1000)
    with pytest.raises(JsonError, match=r"^holds more than 1000 values$"):
        codec.decode_proto_names(repeated * 1000, max_values=1000)


@pytest.mark.parametrize(
    "wire",
    [
        b"\xa3\x3f" + b"\x08\x00" * 1000 + b"\xa4\x3f",  # within an unknown group
        length_delimited(5, length_delimited(6, b"\x0a\x00" * 1000)),
        length_delimited(5, length_delimited(6, b"") * 1001),  # one list in many parts
        length_delimited(4, length_delimited(1, b"\x12\x00" * 1002)),  # one entry of many values
        length_delimited(6, (b"\x0a\x09\x11" + bytes(8)) * 1000),
    ],
)
def test_values_count_wherever_they_stand(wire: bytes, message: Find) -> None:
    with pytest.raises(JsonError, match=r"^holds more than 1000 values$"):
        MessageCodec.of(message("WellKnown")).decode_proto_names(wire, max_values=1000)


def test_packed_values_count(message: Find) -> None:
    codec = MessageCodec.of(message("Packed"))
    wire = codec.encode({"boolValues": [True] * 1100})
    with pytest.raises(JsonError, match=r"^holds more than 1000 values$"):
        codec.decode_proto_names(wire, max_values=1000)


def test_a_long_message_of_few_values_is_read(message: Find) -> None:
    wire = length_delimited(14, b"\x08" * 3_000_000)
    assert len(MessageCodec.of(message("Scalars")).decode_proto_names(wire)["string_value"]) == 3_000_000


def test_a_message_cut_short_is_malformed(message: Find) -> None:
    with pytest.raises(JsonError, match=r"^malformed message$"):
        MessageCodec.of(message("Scalars")).decode_proto_names(b"\x72\xff\x01" + b"x" * 99, max_values=10)


@pytest.mark.parametrize("part", [b"", b"\x20\x01"])
def test_parts_of_a_message_take_no_more_memory_than_their_bytes(part: bytes, message: Find) -> None:
    wire = length_delimited(4, part) * 50_000
    codec = MessageCodec.of(message("Choice"))
    tracemalloc.start()
    try:
        assert codec.decode(wire) == {"anyJson": True if part else None}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(wire) + 100_000
