import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.validation import validate_model_name


@pytest.mark.parametrize(
    "name", ["m", "models/gemini-2.0-flash", "ft:base:org", "a b", "模型", "x" * 256, "hf.co/org/m@main"]
)
def test_a_printable_name_is_returned_as_given(name: str) -> None:
    assert validate_model_name(name) == name


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        (None, ["is required"]),
        ("", ["must not be empty"]),
        ("x" * 257, ["must be at most 256 characters"]),
        (" m", ["must not begin or end with whitespace"]),
        ("m\n", ["must not begin or end with whitespace"]),
        ("m\x00", ["must not contain unprintable characters"]),
        ("m\tn", ["must not contain unprintable characters"]),
        ("m\u200bn", ["must not contain unprintable characters"]),
        (" " + "x" * 256, ["must be at most 256 characters", "must not begin or end with whitespace"]),
    ],
)
def test_a_name_nobody_can_have_meant_is_refused(name: str | None, reasons: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate_model_name(name)
    assert [(violation.field, violation.reason) for violation in caught.value.violations] == [
        ("model", reason) for reason in reasons
    ]
