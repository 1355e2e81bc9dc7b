from typing import Any

import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.validation import validate_embeddings

TOKENS = "input: lists of token ids are not supported; send text"
STRINGS = "input: must be a string or a list of strings"


def violations_of(request: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        validate_embeddings(request)
    return [str(violation) for violation in caught.value.violations]


@pytest.mark.parametrize(
    ("members", "violations"),
    [
        ({"input": None}, ["input: is required"]),
        ({"model": None}, ["model: is required"]),
        ({"model": " m"}, ["model: must not begin or end with whitespace"]),
        ({"input": ""}, ["input: must not be empty"]),
        ({"input": []}, ["input: must not be empty"]),
        ({"input": ["a", ""]}, ["input[1]: must not be empty"]),
        ({"input": ["", "a", None]}, ["input[0]: must not be empty", "input[2]: must be a string"]),
        ({"input": [{}, True]}, ["input[0]: must be a string", "input[1]: must be a string"]),
        ({"input": [1, 2]}, [TOKENS]),
        ({"input": [1.5]}, [TOKENS]),
        ({"input": [[1, 2], [3]]}, [TOKENS]),
        ({"input": ["a", 1]}, [TOKENS]),
        ({"input": [1] * 5000}, [TOKENS]),
        ({"input": [[]]}, ["input[0]: must be a string"]),
        ({"input": [["a"]]}, ["input[0]: must be a string"]),
        ({"input": 5}, [STRINGS]),
        ({"input": {"text": "a"}}, [STRINGS]),
        ({"input": False}, [STRINGS]),
        ({"input": ["a"] * 2047 + [""]}, ["input[2047]: must not be empty"]),
        ({"input": ["a"] * 2049}, ["input: must hold at most 2048 texts"]),
        ({"encoding_format": "hex"}, ["encoding_format: must be one of float, base64, not 'hex'"]),
        ({"encoding_format": ""}, ["encoding_format: must be one of float, base64, not ''"]),
        ({"dimensions": 0}, ["dimensions: must be at least 1"]),
        ({"dimensions": 1.5}, ["dimensions: must be an integer"]),
        ({"user": 1}, ["user: must be a string"]),
        ({"dimensions": -1, "input": []}, ["input: must not be empty", "dimensions: must be at least 1"]),
    ],
)
def test_what_cannot_be_embedded_is_refused_with_the_reason(members: dict[str, Any], violations: list[str]) -> None:
    assert violations_of({"model": "m", "input": "a", **members}) == violations


def test_an_empty_request_lacks_both_required_fields() -> None:
    assert violations_of({}) == ["input: is required", "model: is required"]


@pytest.mark.parametrize(
    ("request_", "normalised"),
    [
        ({"model": "m", "input": "a"}, {"model": "m", "input": ["a"], "encoding_format": "float"}),
        ({"model": "m", "input": ["a", " "]}, {"model": "m", "input": ["a", " "], "encoding_format": "float"}),
        (
            {
                "model": "m",
                "input": "a",
                "encoding_format": "base64",
                "dimensions": 1,
                "user": "u",
                "task": None,
                "k": 1,
            },
            {"model": "m", "input": ["a"], "encoding_format": "base64", "dimensions": 1, "user": "u", "k": 1},
        ),
        (
            {"model": "m", "input": ["a"] * 2048, "encoding_format": None},
            {"model": "m", "input": ["a"] * 2048, "encoding_format": "float"},
        ),
    ],
)
def test_a_request_is_put_as_upstreams_read_it(request_: dict[str, Any], normalised: dict[str, Any]) -> None:
    before = dict(request_)
    assert validate_embeddings(request_) == normalised
    assert request_ == before
