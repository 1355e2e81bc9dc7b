import numpy as np
import pytest
from google.protobuf import struct_pb2
from modelwire_gateway.json_codec import JsonError, JsonValue, MessageCodec, dump_json
from modelwire_gateway.json_codec.json_numbers import plain

LIST = MessageCodec.of(struct_pb2.ListValue.DESCRIPTOR)
FRACTIONS = [number / 7 + 0.01 for number in range(20)]


@pytest.mark.parametrize("numbers", [FRACTIONS, FRACTIONS[:3], [1e308, -1e-308, *FRACTIONS]])
def test_arrays_and_lists_are_written_alike(numbers: list[float]) -> None:
    one_by_one = struct_pb2.ListValue()
    one_by_one.extend(numbers)
    assert LIST.encode(numbers) == LIST.encode(np.array(numbers)) == one_by_one.SerializeToString()


def test_narrow_arrays_are_widened() -> None:
    assert LIST.decode_proto_names(LIST.encode(np.array([0.5, 3], np.float32))) == [0.5, 3]


@pytest.mark.parametrize(
    "mixed", [[*FRACTIONS, True], [0.5, None, *FRACTIONS], [*FRACTIONS, "x"], [*FRACTIONS, 2**60], [*FRACTIONS, [0.5]]]
)
def test_lists_of_other_things_are_written_one_by_one(mixed: JsonValue) -> None:
    assert str(LIST.decode(LIST.encode(mixed))) == str(mixed)


def test_long_runs_come_back_as_arrays_for_rest_and_as_lists_for_services() -> None:
    wire = LIST.encode(FRACTIONS)
    array = LIST.decode(wire)
    assert isinstance(array, np.ndarray)
    assert dump_json(array) == dump_json(FRACTIONS)
    assert LIST.decode_proto_names(wire) == FRACTIONS


def test_integral_numbers_in_a_run_are_integers() -> None:
    numbers = [*FRACTIONS, 5.0, -0.0, 1e300]
    assert dump_json(LIST.decode(LIST.encode(numbers))) == dump_json([*FRACTIONS, 5, -0.0, 1e300])
    assert str(LIST.decode_proto_names(LIST.encode(numbers))) == str([*FRACTIONS, 5, -0.0, 1e300])


def test_bytes_that_only_look_like_a_run_are_read_one_by_one() -> None:
    texts = ["1234567"] * 20  # records of eleven bytes, of texts
    assert LIST.decode(LIST.encode(texts)) == texts
    assert LIST.decode(LIST.encode([*FRACTIONS, "1234567"])) == [*FRACTIONS, "1234567"]


@pytest.mark.parametrize(
    "numbers", [[0] * 20, list(range(-10, 10)), [*FRACTIONS, 3, 2**53 + 1], [2**63] * 20, [-0.0] * 20, [-(2**63)] * 20]
)
def test_integers_are_written_as_the_doubles_nearest(numbers: list[float]) -> None:
    one_by_one = struct_pb2.ListValue()
    one_by_one.extend(numbers)
    assert LIST.encode(numbers) == one_by_one.SerializeToString()
    assert [float(number) for number in LIST.decode_proto_names(LIST.encode(numbers))] == list(map(float, numbers))
    kinds = {type(plain(float(number))) for number in numbers}
    assert {type(number) for number in LIST.decode_proto_names(LIST.encode(numbers))} == kinds


def test_an_integer_beyond_doubles_is_refused_with_its_place() -> None:
    with pytest.raises(JsonError, match=r"^\[20\]: is out of the range of a double$"):
        LIST.encode([*FRACTIONS, 10**400])
