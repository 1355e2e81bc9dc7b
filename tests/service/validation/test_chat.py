import copy
from collections.abc import Callable
from typing import Any

import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.validation import validate_chat
from modelwire_service.validation.report import MAX_VIOLATIONS

MINIMAL: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {"b": {}, "a": {}}}}
TOOL = {"type": "function", "function": FUNCTION}

UNCHANGED: list[dict[str, Any]] = [
    {},
    {"stop": "a"},
    {"stop": ["a", "b"]},
    {"max_tokens": 5},
    {"max_completion_tokens": 5},
    {"stream": True, "stream_options": {"include_usage": True}},
    {"stream": False},
    {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
    {"guided_json": {"z": 1, "a": None}, "top_k": 5},
    {
        "messages": [
            {"role": "assistant", "content": None, "tool_calls": None, "reasoning_content": "x"}
            | {"function_call": {"name": "f", "arguments": "{}"}}
        ]
    },
]


@pytest.mark.parametrize("members", UNCHANGED)
def test_a_request_in_order_passes_as_it_is(members: dict[str, Any]) -> None:
    request = MINIMAL | members
    normalised = validate_chat(request)
    assert normalised == request
    assert list(normalised) == list(request)


@pytest.mark.parametrize(
    ("members", "normalised"),
    [
        ({"stop": None, "tool_choice": None, "top_k": None}, {}),
        ({"temperature": None, "n": None, "tools": None}, {}),
        ({"max_completion_tokens": 7, "max_tokens": 9}, {"max_completion_tokens": 7}),
        ({"max_completion_tokens": None, "max_tokens": 9}, {"max_tokens": 9}),
        ({"stream_options": {}}, {}),
        ({"stream": False, "stream_options": {"include_usage": False}}, {"stream": False}),
        ({"response_format": {"type": "jsonSchema", "json_schema": {"name": "x"}}}, UNCHANGED[8]),
        (
            {"tools": [TOOL | {"cache_control": None, "function": FUNCTION | {"strict": None}}]},
            {"tools": [TOOL]},
        ),
    ],
)
def test_a_request_is_put_as_upstreams_read_it(members: dict[str, Any], normalised: dict[str, Any]) -> None:
    request = MINIMAL | members
    before = copy.deepcopy(request)
    assert validate_chat(request) == MINIMAL | normalised
    assert request == before


def test_the_order_of_a_schemas_properties_is_kept() -> None:
    normalised = validate_chat(MINIMAL | {"tools": [TOOL]})
    assert list(normalised["tools"][0]["function"]["parameters"]["properties"]) == ["b", "a"]


def test_the_result_may_be_changed_without_changing_the_request() -> None:
    request = dict(MINIMAL)
    validate_chat(request)["model"] = "other"
    assert request == MINIMAL


@pytest.mark.parametrize(
    ("members", "violations"),
    [
        ({"model": None}, ["model: is required"]),
        ({"messages": None}, ["messages: is required"]),
        ({"model": ""}, ["model: must not be empty"]),
        ({"model": 5}, ["model: must be a string"]),
        ({"model": "a\x00b"}, ["model: must not contain unprintable characters"]),
        ({"model": "x" * 257}, ["model: must be at most 256 characters"]),
        ({"stream_options": {"include_usage": True}}, ["stream_options: requires stream to be true"]),
        (
            {"stream": False, "stream_options": {"include_obfuscation": True}},
            ["stream_options: requires stream to be true"],
        ),
        ({"top_logprobs": 2}, ["top_logprobs: requires logprobs to be true"]),
        ({"top_logprobs": 0, "logprobs": False}, ["top_logprobs: requires logprobs to be true"]),
        ({"audio": {"format": "wav", "voice": "alloy"}}, ["audio: requires audio in modalities"]),
        (
            {"audio": {"format": "wav", "voice": "alloy"}, "modalities": ["text"]},
            ["audio: requires audio in modalities"],
        ),
    ],
)
def test_fields_that_do_not_go_together_are_refused(
    members: dict[str, Any], violations: list[str], chat_violations: Callable[..., list[str]]
) -> None:
    assert chat_violations(**members) == violations


def test_an_empty_request_lacks_both_required_fields() -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate_chat({})
    assert [str(violation) for violation in caught.value.violations] == ["model: is required", "messages: is required"]


def test_everything_wrong_is_told_at_once(chat_violations: Callable[..., list[str]]) -> None:
    assert chat_violations(
        model="", messages=[{"role": "x"}], temperature=3, n=0, tool_choice="required", top_logprobs=1
    ) == [
        "model: must not be empty",
        "messages[0].role: must be one of system, developer, user, assistant, tool, function, not 'x'",
        "n: must be between 1 and 128",
        "temperature: must be between 0 and 2",
        "top_logprobs: requires logprobs to be true",
        "tool_choice: requires tools",
    ]


def test_no_more_is_looked_for_once_enough_is_wrong(chat_violations: Callable[..., list[str]]) -> None:
    violations = chat_violations(messages=[{}] * 1000)
    assert violations == [f"messages[{index}].role: is required" for index in range(MAX_VIOLATIONS)]
