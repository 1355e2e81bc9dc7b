"""Long lists of numbers, many at a time.

A ListValue of doubles is a run of records of eleven bytes: the tag of `values`, the length nine, the tag of
`number_value`, and the double in little-endian order. Such a run is written and read at once by NumPy, where
one value after the other costs thirty times as much. A packed field of floats is such a run without tags.
"""

import struct
from typing import Any, Final

import numpy as np
import orjson
from google.protobuf.descriptor import FieldDescriptor
from numpy.typing import NDArray

from .json_numbers import INTEGRAL, plain
from .json_text import JsonValue

_FEWEST: Final = 16  # below, setting NumPy to work costs more than it saves
_RECORD_BYTES: Final = 11
_NUMBERS: Final = frozenset((float, int))
_TAGS: Final = b"\x0a\x09\x11"
_NUMBER_AT: Final = len(_TAGS)
_ZERO: Final = _TAGS + bytes(8)

FLOAT_LAYOUTS: Final = {FieldDescriptor.TYPE_DOUBLE: "<f8", FieldDescriptor.TYPE_FLOAT: "<f4"}
"""How the types of floating-point numbers stand on the wire, in NumPy's words."""

Floats = NDArray[np.floating[Any]]


def float_array(value: JsonValue) -> Floats | None:
    """The numbers of a list of nothing else, if a double is near each; None for any other list, and short ones.

    Arrays are taken at any length. Raises nothing: what is wrong with a list shows when it is taken one by one.
    """
    if isinstance(value, np.ndarray):
        array: Floats = value.astype(np.float64)
    elif len(value) < _FEWEST or type(value[0]) not in _NUMBERS or not _NUMBERS.issuperset(map(type, value)):
        return None
    else:
        try:
            array = np.frombuffer(struct.pack(f"={len(value)}d", *value))
        except struct.error:  # an integer beyond the range of a double
            return None
    return array if array.ndim == 1 and np.isfinite(array).all() else None


def encode_values(value: JsonValue) -> bytes | None:
    """The bytes of a ListValue of `value`, if it is a list for NumPy."""
    array = float_array(value)
    if array is None:
        return None
    records = bytearray(_ZERO * len(array))
    np.ndarray(len(array), "<f8", records, _NUMBER_AT, (_RECORD_BYTES,))[:] = array
    return bytes(records)


def decode_values(buf: bytes, pos: int, end: int) -> Floats | None:
    """The numbers of a ListValue, if its bytes are one run of finite numbers and it is long enough."""
    count = run_length(buf, pos, end)
    if not count:
        return None
    numbers = np.ndarray(count, "<f8", buf, pos + _NUMBER_AT, (_RECORD_BYTES,)).copy()
    return numbers if np.isfinite(numbers).all() else None


def run_length(buf: bytes, pos: int, end: int) -> int:
    """How many numbers a ListValue holds, if its bytes are one run of numbers and it is long enough; otherwise 0."""
    count, rest = divmod(end - pos, _RECORD_BYTES)
    if rest or count < _FEWEST or not buf.startswith(_TAGS, pos):
        return 0
    # A stride is a quick copy, and bytes are counted faster than NumPy compares them.
    alike = all(buf[pos + at : end : _RECORD_BYTES].count(tag) == count for at, tag in enumerate(_TAGS))
    return count if alike else 0


def decode_packed(buf: bytes, start: int, stop: int, layout: str) -> Floats | None:
    """The numbers of a packed field of doubles ("<f8") or floats ("<f4"), if they are finite and many enough.

    Floats are doubles then of the fewest digits that tell them apart from other floats.
    """
    numbers = _packed(buf, start, stop, layout)
    if numbers is None or layout == "<f8":
        return numbers
    # orjson writes the fewest digits of a float, as `shortest_float32` does for one at a time.
    return np.array(orjson.loads(orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)))


def packed_length(buf: bytes, start: int, stop: int, layout: str) -> int:
    """How many numbers a packed field holds that `decode_packed` takes; 0 if it takes none."""
    numbers = _packed(buf, start, stop, layout)
    return 0 if numbers is None else len(numbers)


def _packed(buf: bytes, start: int, stop: int, layout: str) -> Floats | None:
    if (stop - start) % np.dtype(layout).itemsize:
        return None
    numbers: Floats = np.frombuffer(buf[start:stop], layout)
    return numbers if len(numbers) >= _FEWEST and np.isfinite(numbers).all() else None


def plain_list(numbers: Floats) -> list[JsonValue]:
    """The numbers as JSON has them, integral ones as integers."""
    listed: list[JsonValue] = numbers.tolist()
    integral = numbers == np.rint(numbers)
    if integral.all() and (np.abs(numbers) < INTEGRAL).all() and not np.signbit(numbers[numbers == 0]).any():
        integers: list[JsonValue] = numbers.astype(np.int64).tolist()
        return integers
    for place in integral.nonzero()[0].tolist():
        listed[place] = plain(listed[place])
    return listed


def compact(numbers: Floats) -> JsonValue:
    """The numbers as `dump_json` writes them fastest: the array, unless it would write `5.0` for a 5."""
    return plain_list(numbers) if _any_integral(numbers) else numbers


def _any_integral(numbers: Floats) -> bool:
    return bool((numbers == np.rint(numbers)).any())
