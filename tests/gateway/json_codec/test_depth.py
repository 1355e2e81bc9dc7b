"""Nesting: what is written parses, what upb refuses for its depth is refused with its path."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from modelwire_gateway.json_codec import JsonError, JsonValue, MessageCodec, length_delimited, parse_json
from support.images import Find

Nest = Callable[[Any], JsonValue]
Wrap = Callable[[bytes], bytes]

ENTRY_KEY = b"\x0a\x01k"
# For each way to nest: the message, its innermost value, one level more in JSON, and the same on the wire.
NESTINGS: dict[str, tuple[str, JsonValue, Nest, bytes, Wrap]] = {
    "messages": ("everything.Tree", {}, lambda v: {"left": v}, b"", lambda w: length_delimited(2, w)),
    "repeated": ("everything.Tree", {}, lambda v: {"children": [v]}, b"", lambda w: length_delimited(3, w)),
    "maps": (
        "everything.Tree",
        {},
        lambda v: {"byName": {"k": v}},
        b"",
        lambda w: length_delimited(4, ENTRY_KEY + length_delimited(2, w)),
    ),
    "structs": (
        "google.protobuf.Struct",
        {},
        lambda v: {"k": v},
        b"",
        lambda w: length_delimited(1, ENTRY_KEY + length_delimited(2, length_delimited(5, w))),
    ),
    "lists": (
        "google.protobuf.ListValue",
        [],
        lambda v: [v],
        b"",
        lambda w: length_delimited(1, length_delimited(6, w)),
    ),
}


@pytest.mark.parametrize("name", NESTINGS)
@pytest.mark.parametrize("levels", range(30, 103))
def test_depth_is_limited_as_upb_limits_it(name: str, levels: int, message: Find) -> None:
    type_name, value, nest, wire, wrap = NESTINGS[name]
    for _ in range(levels):
        value, wire = nest(value), wrap(wire)
    codec, judge = MessageCodec.of(message(type_name)), GetMessageClass(message(type_name))
    try:
        judge.FromString(wire)
    except DecodeError:
        for attempt in (
            lambda: codec.encode(value),
            lambda: codec.decode(wire),
            lambda: codec.decode_proto_names(wire),
        ):
            with pytest.raises(JsonError, match="is nested too deeply") as caught:
                attempt()
            assert 10 < len(caught.value.path) <= 201
    else:
        assert codec.encode(value) == wire
        assert codec.decode(wire) == value


@pytest.mark.parametrize("text", [b"[" * 700 + b"]" * 700, b'{"k":' * 300 + b"1" + b"}" * 300])
def test_very_deep_json_is_an_error_like_any_other(text: bytes, message: Find) -> None:
    with pytest.raises(JsonError, match="is nested too deeply"):
        MessageCodec.of(message("google.protobuf.Value")).encode(parse_json(text))


def test_messages_in_anys_count(message: Find) -> None:
    codec = MessageCodec.of(message("Tree"))
    value: JsonValue = {}
    for _ in range(60):
        value = {"any": {"@type": "/everything.Tree", **value}}
    with pytest.raises(JsonError, match="is nested too deeply"):
        codec.encode(value)


def test_deep_messages_in_parts_are_read_once(message: Find) -> None:
    wire = b""
    for _ in range(90):
        wire = length_delimited(2, wire) + length_delimited(2, b"")  # would be 2**90 readings
    value = MessageCodec.of(message("Tree")).decode(wire)
    levels = 0
    while value:
        value, levels = value.get("left"), levels + 1
    assert levels == 90
