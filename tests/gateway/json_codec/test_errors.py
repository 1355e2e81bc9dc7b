import pytest
from modelwire_gateway.json_codec.errors import JsonError


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        ([], ""),
        (["age"], "age"),
        ([0, "tools"], "tools[0]"),
        (["age", "properties", 0, "tools"], "tools[0].properties.age"),
        (["odd key", "a"], 'a["odd key"]'),
        (["ключ"], '["ключ"]'),
        (["\n\ud800"], r'["\n\ud800"]'),
        (["50256", "biases"], "biases.50256"),
        (["my-key"], "my-key"),
        (["\u202ex"], r'["\u202ex"]'),
        ([""], '[""]'),
        (["x" * 50], "x" * 39 + "…"),
    ],
)
def test_the_path_grows_from_inside_out(steps: list[str | int], path: str) -> None:
    error = JsonError("", "is wrong")
    for step in steps:
        error.inside(step)
    assert error.path == path
    assert str(error) == (f"{path}: is wrong" if path else "is wrong")


def test_a_path_of_the_caller_stands_before_the_rest() -> None:
    assert JsonError("", "r").inside("b", 0).below("body").path == "body[0].b"
    assert JsonError("x", "r").inside("b").below("body").path == "body.b.x"


def test_long_paths_are_clipped() -> None:
    assert len(JsonError("", "r").inside(*["step"] * 100).path) == 201
