import math
from typing import Any

import pytest
from modelwire_service.validation.checks import (
    Check,
    above,
    between,
    boolean,
    each,
    filled,
    integer,
    label,
    mapping,
    matching,
    one_of,
    shape,
    text,
)
from modelwire_service.validation.report import Report

DIGITS = matching("[0-9]+", "must be digits")
PAIR = shape({"a": text}, {"b": integer(1)})


def found_by(check: Check, value: Any) -> list[str]:
    report = Report()
    check(value, ("f",), report)
    return [str(violation) for violation in report.violations]


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (boolean, False),
        (text, ""),
        (filled, "x"),
        (label, "Zoë علی‌رضا 👩‍💻"),
        (mapping, {}),
        (between(0, 2), 0),
        (between(0, 2), 2.0),
        (above(0, 1), 1),
        (above(0, 1), 5e-324),
        (integer(1), 10**30),
        (integer(1, 128), 128),
        (one_of("a", "b"), "b"),
        (DIGITS, "12"),
        (each(text), []),
        (each(text), ["", "x"]),
        (PAIR, {"a": "x"}),
        (PAIR, {"a": "x", "b": None, "c": object()}),
    ],
)
def test_a_value_within_bounds_passes(check: Check, value: Any) -> None:
    assert found_by(check, value) == []


@pytest.mark.parametrize(
    ("check", "value", "reasons"),
    [
        (boolean, 1, ["f: must be a boolean"]),
        (text, None, ["f: must be a string"]),
        (filled, "", ["f: must not be empty"]),
        (filled, b"x", ["f: must be a string"]),
        (label, "", ["f: must not be empty"]),
        (label, "a\x00b", ["f: must not contain control characters"]),
        (label, "a\x85b", ["f: must not contain control characters"]),
        (label, 5, ["f: must be a string"]),
        (mapping, [], ["f: must be an object"]),
        (between(0, 2), 2.0001, ["f: must be between 0 and 2"]),
        (between(0, 2), math.nan, ["f: must be between 0 and 2"]),
        (between(0, 2), 10**400, ["f: must be between 0 and 2"]),
        (between(0, 2), True, ["f: must be a number"]),
        (between(0, 2), "1", ["f: must be a number"]),
        (above(0, 1), 0, ["f: must be above 0 and at most 1"]),
        (above(0, 1), math.inf, ["f: must be above 0 and at most 1"]),
        (above(0, 1), False, ["f: must be a number"]),
        (integer(1), 0, ["f: must be at least 1"]),
        (integer(1, 128), 129, ["f: must be between 1 and 128"]),
        (integer(1), 1.0, ["f: must be an integer"]),
        (integer(1), True, ["f: must be an integer"]),
        (one_of("a"), "c", ["f: must be a, not 'c'"]),
        (one_of("a", "b"), "c", ["f: must be one of a, b, not 'c'"]),
        (one_of("a", "b"), ["a"], ["f: must be a string"]),
        (DIGITS, "12\n", ["f: must be digits"]),
        (DIGITS, "", ["f: must not be empty"]),
        (DIGITS, 12, ["f: must be a string"]),
        (each(text), {}, ["f: must be a list"]),
        (each(text), ["", 1, None], ["f[1]: must be a string", "f[2]: must be a string"]),
        (PAIR, "a", ["f: must be an object"]),
        (PAIR, {}, ["f.a: is required"]),
        (PAIR, {"b": 0, "a": None}, ["f.a: is required", "f.b: must be at least 1"]),
    ],
)
def test_a_value_out_of_bounds_is_named_with_the_reason(check: Check, value: Any, reasons: list[str]) -> None:
    assert found_by(check, value) == reasons
