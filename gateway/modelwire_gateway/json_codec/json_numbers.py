"""Numbers between JSON and protobuf: what is read as which, and how it is written."""

import math
import re
import struct
from decimal import Decimal
from typing import Final

from .errors import JsonError
from .json_text import JsonValue

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)").fullmatch
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?").fullmatch
_LONGEST_INTEGER: Final = 100  # characters; a 64-bit integer has 20, or more with a fraction of zeros
_NON_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
INTEGRAL: Final = 2.0**63  # below, a double without fraction is written as an integer
_FLOAT: Final = struct.Struct("<f")


def integer(value: JsonValue) -> int:
    """An integer given as a number (`5`, `5.0`, `5e3`) or as text of one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= _LONGEST_INTEGER:
        if _INTEGER(value):
            return int(value)
        if _NUMBER(value):
            return _integral(Decimal(value))
    raise JsonError("", "must be an integer")


def double(value: JsonValue) -> float:
    """A floating-point number given as a number, as text of one, or as "NaN", "Infinity", "-Infinity"."""
    if isinstance(value, str):
        if value in _NON_FINITE:
            return _NON_FINITE[value]
        if not _NUMBER(value):
            raise JsonError("", "must be a number")
        value = float(value)
    return finite(value)


def finite(value: JsonValue) -> float:
    """A JSON number as the nearest double; refuses those that no finite double is near to."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise JsonError("", "must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise JsonError("", "is out of the range of a double")
    return number


def plain(number: float) -> int | float:
    """A finite double as JSON has it: `5`, not `5.0`, for as far as integers of 64 bits go."""
    if number.is_integer() and -INTEGRAL <= number < INTEGRAL and (number or math.copysign(1.0, number) > 0):
        return int(number)
    return number


def json_double(number: float) -> int | float | str:
    """A double as proto3 JSON has it: what is not finite is written as text."""
    if math.isfinite(number):
        return plain(number)
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"


def shortest_float32(number: float) -> float:
    """The double of fewest digits that, as a 32-bit float, is `number`."""
    wanted = _FLOAT.pack(number)
    for digits in (6, 7, 8):
        candidate = float(f"{number:.{digits}g}")
        if _FLOAT.pack(candidate) == wanted:
            return candidate
    return float(f"{number:.9g}")


def _integral(number: Decimal) -> int:
    # The exponent is checked first: 1e9999 must not become an integer of ten thousand digits.
    if number.adjusted() < _LONGEST_INTEGER and number == number.to_integral_value():
        return int(number)
    raise JsonError("", "must be an integer")
