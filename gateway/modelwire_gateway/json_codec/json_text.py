"""JSON text, strictly read and quickly written.

Reading is the standard library's: it can be told of each object's pairs, which is what it takes to refuse
a name that comes twice. Everything else it is lenient about is checked around it.
"""

import json
import re
from typing import Any, Final, NoReturn, TypeAlias

import numpy as np
import orjson

from .errors import JsonError, clip
from .wire import TOO_DEEP

# dict, list, str, int, float, bool or None, all the way down. Beside lists, one-dimensional NumPy arrays of
# floats are written, and come out where a REST answer holds many numbers.
JsonValue: TypeAlias = Any

MAX_VALUES: Final = 1_000_000

# Matches strings closed or not: a pattern that could fail would be tried again at each quote in it.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BLANKS: Final = b" \t\r\n"
# A high one that no low one follows, or a low one that follows no high one. Valid JSON is expected, in which
# no backslash is escaped.
_LONE_SURROGATE: Final = re.compile(
    rb"\\u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|[c-fC-F](?<!\\u[dD][89abAB]..\\u[dD][c-fC-F]))"
)


def parse_json(text: bytes, *, max_values: int = MAX_VALUES) -> JsonValue:
    """The value of a JSON text (RFC 8259) in UTF-8.

    Refused beside what the grammar refuses: a name twice in one object, lone surrogates, a byte order mark,
    more than `max_values` values, integers of thousands of digits. A number beyond the range of a double
    comes out as an infinity, which no message takes. Raises `JsonError`.
    """
    _check_count(text, max_values)
    try:
        decoded = text.decode()
        value = _value(decoded)
    except JsonError:
        raise
    except UnicodeDecodeError as error:
        raise JsonError("", f"invalid UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise _syntax_error(error.msg.removesuffix(" at"), decoded, error.pos) from None
    except ValueError:  # what int() says of more digits than it takes
        raise JsonError("", "holds an integer of too many digits") from None
    except RecursionError:
        raise JsonError("", TOO_DEEP) from None
    if b"\\u" in text:
        _check_surrogates(text, decoded)
    return value


def dump_json(value: JsonValue) -> bytes:
    """`value` as compact JSON in UTF-8. Raises `JsonError` for what JSON cannot hold."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # an integer beyond 64 bits, or a lone surrogate
        return _dump_slowly(value)


def _dump_slowly(value: JsonValue) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        return text.encode()
    except (TypeError, ValueError, RecursionError):
        raise JsonError("", "cannot be written as JSON") from None


def _plain(value: object) -> JsonValue:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise JsonError("", f"the name {json.dumps(clip(twice))} comes twice in one object")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise JsonError("", f"invalid JSON: {name} is not a JSON number")


# Its `scan_once` reads a value without blanks around it; typeshed does not have it.
_DECODER: Final[Any] = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def _value(text: str) -> JsonValue:
    """What `_DECODER.decode` gives, which looks for blanks first and is better at saying what is wrong."""
    try:
        value, end = _DECODER.scan_once(text, 0)
    except StopIteration:
        return _DECODER.decode(text)
    return _DECODER.decode(text) if text[end:].strip(" \t\r\n") else value


def _check_count(text: bytes, max_values: int) -> None:
    """Counts before anything is built.

    A value takes two bytes, its comma included, but for the first; so short texts need no counting. Counting
    as if there were no strings never counts too few.
    """
    if len(text) < 2 * max_values or _openings(text) < max_values:
        return
    # Names included, there are at most two strings for each value.
    outside, strings = _STRING.subn(b'"', text, count=2 * max_values + 1)
    outside = outside.translate(None, _BLANKS)
    count = 1 + _openings(outside) - outside.count(b"{}") - outside.count(b"[]")
    if count > max_values or strings > 2 * max_values:
        raise JsonError("", f"holds more than {max_values} values")


def _openings(text: bytes) -> int:
    """How many values begin in `text`, the root aside and empty objects and lists counted as if they held one."""
    return text.count(b",") + text.count(b"{") + text.count(b"[")


def _check_surrogates(text: bytes, decoded: str) -> None:
    lone = _LONE_SURROGATE.search(text.replace(rb"\\", b"__"))
    if lone:
        raise _syntax_error("lone surrogate", decoded, len(text[: lone.start()].decode()))


def _syntax_error(message: str, decoded: str, pos: int) -> JsonError:
    line = decoded.count("\n", 0, pos) + 1
    column = pos - decoded.rfind("\n", 0, pos)
    return JsonError("", f"invalid JSON at line {line} column {column}: {message}")
