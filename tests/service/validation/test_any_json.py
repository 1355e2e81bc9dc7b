"""Whatever JSON a caller sends, validation answers with a request or with InvalidRequest."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelwire_service.errors import InvalidRequest, Violation
from modelwire_service.validation import validate_chat, validate_embeddings
from modelwire_service.validation.bounds import CHAT_BOUNDS, EMBEDDINGS_BOUNDS
from modelwire_service.validation.content import PARTS

WORDS = [
    *("role", "content", "type", "function", "name", "tool_calls", "tool_call_id", "id", "arguments"),
    *("json_schema", "schema", "strict", "parameters", "audio", "file_id", "include_usage", "user", "assistant"),
    *("tool", "system", "required", "auto", "none", "jsonSchema", "format", "voice", "function_call", "refusal"),
    *PARTS,
]
words = st.sampled_from(WORDS)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | words
keys = words | st.text(max_size=3)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)


anything = st.recursive(scalars, nested, max_leaves=10)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "tool", "system", "function", "developer"])},
        optional=dict.fromkeys(("content", "tool_calls", "tool_call_id", "name", "audio"), anything),
    )
    | anything,
    max_size=3,
)
tools = st.lists(st.fixed_dictionaries({"type": st.just("function"), "function": anything}) | anything, max_size=3)
chat_requests = st.fixed_dictionaries(
    {"model": anything, "messages": messages | anything},
    optional={
        **dict.fromkeys(CHAT_BOUNDS, anything),
        **dict.fromkeys(("tool_choice", "response_format", "unknown"), anything),
        "tools": tools | anything,
    },
)
embeddings_requests = st.fixed_dictionaries(
    {"model": anything, "input": anything},
    optional={**dict.fromkeys(EMBEDDINGS_BOUNDS, anything), "unknown": anything},
)

# What is mostly right reaches the rules between fields, and the normal form.
FUNCTION = {"name": "f", "strict": None}
nearly_right = st.fixed_dictionaries(
    {"model": st.just("m"), "messages": st.just([{"role": "user", "content": "hi"}])},
    optional={
        "stream": st.none() | st.booleans(),
        "stream_options": st.sampled_from([None, {}, {"include_usage": False}, {"include_usage": True}]),
        "tools": st.just([{"type": "function", "function": FUNCTION, "x": None}]),
        "tool_choice": st.sampled_from(["none", "required", {"type": "function", "function": FUNCTION}, None]),
        "response_format": st.sampled_from([{"type": "text"}, {"type": "jsonSchema", "json_schema": FUNCTION}]),
        "max_tokens": st.none() | st.integers(0, 9),
        "max_completion_tokens": st.none() | st.integers(1, 9),
        "unknown": anything,
    },
)
nearly_right_embeddings = st.fixed_dictionaries(
    {"model": st.just("m"), "input": st.text() | st.lists(st.text(), max_size=3)},
    optional={"encoding_format": st.sampled_from([None, "float", "base64"]), "unknown": anything},
)


def violations_of(validate: Callable[[dict[str, Any]], dict[str, Any]], request: dict[str, Any]) -> list[Violation]:
    """What is wrong with the request; if nothing is, its normal form must pass again and stay as it is."""
    try:
        normalised = validate(request)
    except InvalidRequest as error:
        return [*error.violations]
    assert repr(validate(normalised)) == repr(normalised)
    return []


@settings(max_examples=150, deadline=None)
@given(nearly_right | chat_requests | st.dictionaries(keys, anything, max_size=4))
def test_any_chat_request_is_settled(request_: dict[str, Any]) -> None:
    assert all(found.field and found.reason for found in violations_of(validate_chat, request_))


@settings(max_examples=150, deadline=None)
@given(nearly_right_embeddings | embeddings_requests | st.dictionaries(keys, anything, max_size=4))
def test_any_embeddings_request_is_settled(request_: dict[str, Any]) -> None:
    assert all(found.field and found.reason for found in violations_of(validate_embeddings, request_))


@pytest.mark.parametrize("field", ["messages", "tools", "tool_choice", "stop", "extra_body", "unknown"])
def test_depth_does_not_exhaust_the_stack(field: str) -> None:
    value: Any = "x"
    for _ in range(100_000):
        value = [value]
    request = {"model": "m", "messages": [{"role": "user", "content": "hi"}], field: value}
    if field == "unknown":
        assert validate_chat(request)[field] is value
    else:
        with pytest.raises(InvalidRequest):
            validate_chat(request)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {}, optional={"role": words | scalars, "content": st.text(max_size=3) | anything, "name": scalars}
        ),
        max_size=4,
    )
)
def test_a_message_with_no_other_member_than_role_and_content_is_judged_as_any(messages_: list[dict[str, Any]]) -> None:
    others = [{**message, "undeclared": 0} for message in messages_]
    found, found_too = (violations_of(validate_chat, {"model": "m", "messages": each}) for each in (messages_, others))
    assert found == found_too
