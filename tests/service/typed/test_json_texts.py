"""JSON that comes as text is read strictly, and within one bound for a request."""

from typing import Any

import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.typed.json_texts import MAX_DEPTH, Texts
from modelwire_service.typed.requests import chat_request


@pytest.mark.parametrize(
    "text", ['{"z": 1, "a": [true, null]}', "5", '"1e999 and 99999999999999999999"', "18446744073709551615e-1", "-0.5"]
)
def test_a_value_is_read(text: str) -> None:
    texts = Texts()
    texts.value(text, ("x",))
    assert texts.report.violations == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invalid JSON"),
        ("{", "invalid JSON"),
        ("NaN", "NaN is not a JSON number"),
        ('{"a": 1, "a": 2}', "comes twice"),
        ('"\\ud800"', "lone surrogate"),
        ("1e999", "holds a number out of the range of a double"),
        ('{"a": [-1E+999]}', "holds a number out of the range of a double"),
        ("9223372036854775808", "holds an integer of more than 64 bits"),
        ('[{"a": -9223372036854775809}]', "holds an integer of more than 64 bits"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "is nested more than 33 deep"),
        ("[" * 100_000, "deep"),
    ],
)
def test_what_no_upstream_could_be_sent_is_refused(text: str, reason: str) -> None:
    texts = Texts()
    texts.value(text, ("extra_fields_json", "x"))
    [violation] = texts.report.violations
    assert violation.field == "extra_fields_json.x"
    assert reason in violation.reason


def test_as_deep_as_is_taken_is_taken() -> None:
    texts = Texts()
    texts.value("[" * MAX_DEPTH + "]" * MAX_DEPTH, ("x",))
    assert texts.report.violations == []


@pytest.mark.parametrize("text", ["[]", "null", "5"])
def test_an_object_is_asked_for_where_one_is_meant(text: str) -> None:
    texts = Texts()
    texts.object(text, ("x",))
    assert [str(violation) for violation in texts.report.violations] == ["x: must be the JSON text of an object"]


def test_all_texts_of_a_request_share_one_bound() -> None:
    half = "[" + "0," * 600_000 + "0]"
    request: dict[str, Any] = {"model": "m", "extra_fields_json": {"a": half}}
    assert len(chat_request(request)["a"]) == 600_001
    with pytest.raises(InvalidRequest, match=r"^extra_fields_json\.b: holds more than \d+ values$"):
        chat_request({**request, "extra_fields_json": {"a": half, "b": half}})
