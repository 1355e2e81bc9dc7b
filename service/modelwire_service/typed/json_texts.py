"""JSON that stands in fields as text."""

import math
from collections.abc import Iterator
from typing import Any, Final

from modelwire_gateway.json_codec import JsonError
from modelwire_gateway.json_codec.json_text import MAX_VALUES, parse_json

from modelwire_service.upstreams.base import Json
from modelwire_service.validation.report import Path, Report

MAX_DEPTH: Final = 33
"""As deep as a google.protobuf.Struct gets within the limits of the wire, so that no door takes more."""
_INT64: Final = range(-(1 << 63), 1 << 63)
_ANY_DIGIT: Final = bytes.maketrans(b"123456789", b"000000000")
_MAYBE_ODD: Final = (b"0e", b"0E", b"0" * 19)
"""What a number holds that is too large, where each digit is written as 0."""


class Texts:
    """The JSON texts of one request, which share one bound on values, and all that is wrong with its fields."""

    def __init__(self) -> None:
        self.report = Report()
        self._left = MAX_VALUES

    def value(self, text: str, path: Path) -> Any:
        """What the text says; None, and a violation, if it is no JSON or holds what no upstream could be sent."""
        try:
            value = parse_json(text.encode(), max_values=self._left)
        except JsonError as error:
            self.report.add(path, error.reason)
            return None
        self._left = max(self._left - _most_values(text), 0)
        if reason := _unsendable(text, value):
            self.report.add(path, reason)
        return value

    def object(self, text: str, path: Path) -> Any:
        """Like `value`, for texts that must be those of objects."""
        before = len(self.report.violations)
        value = self.value(text, path)
        if not isinstance(value, dict) and len(self.report.violations) == before:
            self.report.add(path, "must be the JSON text of an object")
        return value

    def members(self, texts: dict[str, str], path: Path) -> Json:
        """What the texts say, by name."""
        return {name: self.value(text, (*path, name)) for name, text in texts.items()}


def _most_values(text: str) -> int:
    """No fewer than there are in a text: what stands in strings is counted too."""
    return 1 + text.count(",") + text.count("{") + text.count("[")


def _unsendable(text: str, value: Any) -> str | None:
    """Why a value that JSON may hold cannot be sent on, or None. Only texts that might be so are looked into."""
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(value, MAX_DEPTH + 1) > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} deep"
    digits = text.encode().translate(_ANY_DIGIT)
    return next(_odd_numbers(value), None) if any(sign in digits for sign in _MAYBE_ODD) else None


def _depth(value: Any, enough: int) -> int:
    """How deep objects and lists are nested, or `enough` if it is that or more."""
    if not isinstance(value, dict | list) or enough == 0:
        return 0
    members = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth(member, enough - 1) for member in members), default=0)


def _odd_numbers(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _odd_numbers(member)
    elif isinstance(value, float) and not math.isfinite(value):
        yield "holds a number out of the range of a double"
    elif type(value) is int and value not in _INT64:
        yield "holds an integer of more than 64 bits"
