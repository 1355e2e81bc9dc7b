"""Small checks, and how they combine.

Reasons are made once, when the tables are: a check that passes formats nothing.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from modelwire_service.validation.report import Path, Report, shown

Check = Callable[[Any, Path, Report], None]

NOT_EMPTY: Final = "must not be empty"
REQUIRED: Final = "is required"

# How proto3 JSON, and so the codec, has doubles that are not finite.
_NON_FINITE: Final = ("NaN", "Infinity", "-Infinity")

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def boolean(value: Any, path: Path, report: Report) -> None:
    if not isinstance(value, bool):
        report.add(path, "must be a boolean")


def text(value: Any, path: Path, report: Report) -> None:
    """Any string, the empty one included."""
    if not isinstance(value, str):
        report.add(path, "must be a string")


def filled(value: Any, path: Path, report: Report) -> None:
    """A string that is not empty."""
    if not isinstance(value, str):
        report.add(path, "must be a string")
    elif not value:
        report.add(path, NOT_EMPTY)


def label(value: Any, path: Path, report: Report) -> None:
    """A name: a string that is not empty and has no control characters."""
    filled(value, path, report)
    if isinstance(value, str) and _CONTROL.search(value):
        report.add(path, "must not contain control characters")


def mapping(value: Any, path: Path, report: Report) -> None:
    """An object, whatever is in it."""
    if not isinstance(value, dict):
        report.add(path, "must be an object")


def between(low: float, high: float) -> Check:
    """A number from `low` to `high`."""
    return _ranged(lambda value: low <= value <= high, f"must be between {low} and {high}")


def above(low: float, high: float) -> Check:
    """A number greater than `low` and at most `high`."""
    return _ranged(lambda value: low < value <= high, f"must be above {low} and at most {high}")


def _ranged(within: Callable[[float], bool], reason: str) -> Check:
    """A number in a range. NaN is in none."""

    def check(value: Any, path: Path, report: Report) -> None:
        if type(value) is float or type(value) is int:
            if not within(value):
                report.add(path, reason)
        else:
            report.add(path, reason if value in _NON_FINITE else "must be a number")

    return check


def integer(low: int, high: int | None = None) -> Check:
    """An integer from `low` to `high`, or from `low` on."""
    reason = f"must be at least {low}" if high is None else f"must be between {low} and {high}"

    def check(value: Any, path: Path, report: Report) -> None:
        if type(value) is not int:
            report.add(path, "must be an integer")
        elif value < low or (high is not None and value > high):
            report.add(path, reason)

    return check


def one_of(*options: str) -> Check:
    """One of some strings."""
    allowed = frozenset(options)
    reason = f"must be {listed(options)}"

    def check(value: Any, path: Path, report: Report) -> None:
        if not isinstance(value, str):
            report.add(path, "must be a string")
        elif value not in allowed:
            report.add(path, f"{reason}, not {shown(value)}")

    return check


def matching(pattern: str, reason: str) -> Check:
    """A string that the pattern matches as a whole; `reason` says in words what that takes."""
    fullmatch = re.compile(pattern).fullmatch

    def check(value: Any, path: Path, report: Report) -> None:
        if not isinstance(value, str) or not value:
            filled(value, path, report)
        elif not fullmatch(value):
            report.add(path, reason)

    return check


def each(item: Check) -> Check:
    """A list, empty or not, of which every item passes `item`."""

    def check(value: Any, path: Path, report: Report) -> None:
        if not isinstance(value, list):
            report.add(path, "must be a list")
            return
        for index, member in enumerate(value):
            item(member, (*path, index), report)

    return check


def up_to(most: int, items: str, check: Check) -> Check:
    """What passes `check`; of a list longer than `most` no item is looked at. `items` is what they are called."""
    reason = f"must hold at most {most} {items}"

    def bounded(value: Any, path: Path, report: Report) -> None:
        if isinstance(value, list) and len(value) > most:
            report.add(path, reason)
        else:
            check(value, path, report)

    return bounded


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object that has the required members; others it may have, declared or not. A null member counts as absent."""
    others = optional or {}
    rank = {name: at for at, name in enumerate(others)}

    def check(value: Any, path: Path, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(path, "must be an object")
            return
        # In the table's order, whatever the caller's: both doors then name the same field first.
        for name, inner in required.items():
            if (member := value.get(name)) is None:
                report.add((*path, name), REQUIRED)
            else:
                inner(member, (*path, name), report)
        given = [name for name in value if name in rank]
        if len(given) > 1:
            given.sort(key=rank.__getitem__)
        for name in given:
            if (member := value[name]) is not None:
                others[name](member, (*path, name), report)

    return check


def listed(options: tuple[str, ...]) -> str:
    """What a value must be, in words: `text`, or `one of text, refusal`."""
    return options[0] if len(options) == 1 else f"one of {', '.join(options)}"
