"""Packed fields of floating-point numbers are read at once, to what they would be one by one."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelwire_gateway.json_codec import JsonError, JsonValue, MessageCodec, dump_json
from modelwire_gateway.json_codec.codec import Codecs
from modelwire_gateway.json_codec.json_numbers import json_double, shortest_float32
from modelwire_gateway.json_codec.number_runs import decode_packed, plain_list
from support.images import Find

FRACTIONS = [number / 7 + 0.01 for number in range(20)]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=16, max_size=40))
def test_floats_have_no_more_digits_than_one_by_one(numbers: list[float]) -> None:
    wire = struct.pack(f"<{len(numbers)}f", *numbers)
    array = decode_packed(wire, 0, len(wire), "<f4")
    assert array is not None
    told = plain_list(array)
    assert struct.pack(f"<{len(numbers)}f", *told) == wire
    for number, alone in zip(told, numbers, strict=True):
        assert len(str(number)) <= len(str(json_double(shortest_float32(alone))))


@pytest.mark.parametrize("field", ["floatValues", "doubleValues"])
def test_long_fields_come_as_arrays_for_rest_and_as_lists_for_services(field: str, message: Find) -> None:
    codec = MessageCodec.of(message("Lists"))
    numbers = [float(f"{number:.6g}") for number in FRACTIONS]
    wire = codec.encode({field: numbers})
    array = codec.decode(wire)[field]
    assert isinstance(array, np.ndarray)
    assert dump_json(array) == dump_json(numbers)
    [listed] = codec.decode_proto_names(wire).values()
    assert listed == numbers


@pytest.mark.parametrize(
    "numbers", [[*FRACTIONS, "NaN"], [*FRACTIONS, "-Infinity"], [*FRACTIONS, 5], [0] * 20, [*FRACTIONS, -0.0]]
)
def test_numbers_that_arrays_do_not_print_alike_come_one_by_one(numbers: list[JsonValue], message: Find) -> None:
    codec = MessageCodec.of(message("Lists"))
    assert str(codec.decode(codec.encode({"doubleValues": numbers}))["doubleValues"]) == str(numbers)


@pytest.mark.parametrize("field", ["floatValues", "doubleValues"])
def test_a_field_in_several_pieces_is_one_list(field: str, message: Find) -> None:
    codec = MessageCodec.of(message("Lists"))
    pieces = [FRACTIONS, [0.5], FRACTIONS, [1.5, 2.5]]
    wire = b"".join(codec.encode({field: piece}) for piece in pieces)
    one_by_one = [number for piece in pieces for number in codec.decode(codec.encode({field: piece}))[field]]
    assert codec.decode(wire)[field] == one_by_one


@pytest.mark.parametrize("field", ["floatValues", "doubleValues"])
def test_long_fields_count_as_one_value_for_rest(field: str, message: Find) -> None:
    codec = MessageCodec.of(message("Lists"))
    wire = codec.encode({field: FRACTIONS * 60_000})
    assert len(codec.decode(wire)[field]) == 1_200_000
    with pytest.raises(JsonError, match="holds more than 1000000 values"):
        codec.decode_proto_names(wire)


def test_a_field_cut_within_a_number_is_malformed(message: Find) -> None:
    codec = MessageCodec.of(message("Lists"))
    wire = b"\x42\x83\x01" + bytes(131)
    for max_values in (20, 1_000_000):
        with pytest.raises(JsonError, match=r"^malformed message$"):
            codec.decode_proto_names(wire, max_values=max_values)
        with pytest.raises(JsonError, match=r"^malformed message$"):
            Codecs(max_values=max_values).message(message("Lists")).decode(wire)
