from collections.abc import Callable
from typing import Any

import pytest

ROLES = "must be one of system, developer, user, assistant, tool, function"
UNANSWERED = "must be the id of a tool call in an earlier assistant message"
BARE = "is required without any of tool_calls, refusal, audio, function_call"

USER = {"role": "user", "content": "hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWER = {"role": "tool", "tool_call_id": "c1", "content": "42"}


def calling(**changes: Any) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{**CALL, **changes}]}


REFUSED: list[tuple[Any, list[str]]] = [
    ([], ["messages: must not be empty"]),
    ({}, ["messages: must be a list"]),
    ("hi", ["messages: must be a list"]),
    (["hi"], ["messages[0]: must be an object"]),
    ([USER, None], ["messages[1]: must be an object"]),
    ([{}], ["messages[0].role: is required"]),
    ([{"content": "hi"}], ["messages[0].role: is required"]),
    ([{"role": None, "content": "hi"}], ["messages[0].role: is required"]),
    ([USER, USER, {"role": "robot"}], [f"messages[2].role: {ROLES}, not 'robot'"]),
    ([{"role": "User", "content": "hi"}], [f"messages[0].role: {ROLES}, not 'User'"]),
    ([{"role": "", "content": "hi"}], [f"messages[0].role: {ROLES}, not ''"]),
    ([{"role": 1, "content": "hi"}], ["messages[0].role: must be a string"]),
    ([{"role": ["user"]}], ["messages[0].role: must be a string"]),
    ([{"role": "user"}], ["messages[0].content: is required"]),
    ([{"role": "user", "content": None}], ["messages[0].content: is required"]),
    ([{"role": "system"}], ["messages[0].content: is required"]),
    ([{"role": "developer"}], ["messages[0].content: is required"]),
    ([USER | {"name": ""}], ["messages[0].name: must not be empty"]),
    ([USER | {"name": "a\x00"}], ["messages[0].name: must not contain control characters"]),
    ([USER | {"name": 5}], ["messages[0].name: must be a string"]),
    ([{"role": "assistant", "content": "x", "name": ""}], ["messages[0].name: must not be empty"]),
    ([{"role": "assistant"}], [f"messages[0].content: {BARE}"]),
    ([{"role": "assistant", "content": None, "tool_calls": []}], [f"messages[0].content: {BARE}"]),
    ([{"role": "assistant", "content": None, "refusal": None}], [f"messages[0].content: {BARE}"]),
    ([{"role": "assistant", "content": "x", "refusal": 5}], ["messages[0].refusal: must be a string"]),
    ([{"role": "assistant", "content": "x", "tool_calls": {}}], ["messages[0].tool_calls: must be a list"]),
    ([{"role": "assistant", "tool_calls": ["f"]}], ["messages[0].tool_calls[0]: must be an object"]),
    (
        [{"role": "assistant", "tool_calls": [{}]}],
        [
            "messages[0].tool_calls[0].id: is required",
            "messages[0].tool_calls[0].type: is required",
            "messages[0].tool_calls[0].function: is required",
        ],
    ),
    ([calling(id="")], ["messages[0].tool_calls[0].id: must not be empty"]),
    ([calling(id=7)], ["messages[0].tool_calls[0].id: must be a string"]),
    ([calling(type="custom")], ["messages[0].tool_calls[0].type: must be function, not 'custom'"]),
    ([calling(function="f")], ["messages[0].tool_calls[0].function: must be an object"]),
    (
        [calling(function={})],
        [
            "messages[0].tool_calls[0].function.name: is required",
            "messages[0].tool_calls[0].function.arguments: is required",
        ],
    ),
    (
        [calling(function={"name": "", "arguments": {"x": 1}})],
        [
            "messages[0].tool_calls[0].function.name: must not be empty",
            "messages[0].tool_calls[0].function.arguments: must be a string",
        ],
    ),
    (
        [{"role": "assistant", "function_call": {"name": "f"}}],
        ["messages[0].function_call.arguments: is required"],
    ),
    ([{"role": "assistant", "audio": {"id": ""}}], ["messages[0].audio.id: must not be empty"]),
    ([CALLING, {"role": "tool", "content": "42"}], ["messages[1].tool_call_id: is required"]),
    ([CALLING, {"role": "tool", "tool_call_id": "c1"}], ["messages[1].content: is required"]),
    ([CALLING, ANSWER | {"tool_call_id": ""}], ["messages[1].tool_call_id: must not be empty"]),
    ([CALLING, ANSWER | {"tool_call_id": 1}], ["messages[1].tool_call_id: must be a string"]),
    ([CALLING, ANSWER | {"tool_call_id": "c2"}], [f"messages[1].tool_call_id: {UNANSWERED}, not 'c2'"]),
    ([USER, ANSWER], [f"messages[1].tool_call_id: {UNANSWERED}, not 'c1'"]),
    ([ANSWER, CALLING], [f"messages[0].tool_call_id: {UNANSWERED}, not 'c1'"]),
    ([USER | {"tool_calls": [CALL]}, ANSWER], [f"messages[1].tool_call_id: {UNANSWERED}, not 'c1'"]),
    ([{"role": "function", "content": "42"}], ["messages[0].name: is required"]),
    ([{"role": "function", "name": "f", "content": 42}], ["messages[0].content: must be a string or a list of parts"]),
    (
        [{"role": "robot"}, USER, {"role": "user"}, 5],
        [
            f"messages[0].role: {ROLES}, not 'robot'",
            "messages[2].content: is required",
            "messages[3]: must be an object",
        ],
    ),
]


@pytest.mark.parametrize(("messages", "violations"), REFUSED)
def test_a_message_that_breaks_its_roles_rules_is_refused(
    messages: Any, violations: list[str], chat_violations: Callable[..., list[str]]
) -> None:
    assert chat_violations(messages=messages) == violations


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": role, "content": "x"} for role in ("system", "developer", "user", "assistant")],
        [USER | {"name": "علی‌رضا"}],
        [USER | {"name": None, "cache_control": {"type": "ephemeral"}}],
        [USER, CALLING, ANSWER],
        [USER, CALLING, USER, ANSWER, ANSWER],
        [USER, {**CALLING, "tool_calls": [CALL, CALL | {"id": "c2"}]}, ANSWER | {"tool_call_id": "c2"}],
        [calling(function={"name": "f", "arguments": "{broken"})],
        [calling(extra_content={"google": {"thought_signature": "c2ln"}}, index=0)],
        [{"role": "assistant", "content": "x", "tool_calls": []}],
        [{"role": "assistant", "content": "x", "tool_calls": None, "refusal": None, "audio": None}],
        [{"role": "assistant", "refusal": "no"}],
        [{"role": "assistant", "audio": {"id": "audio_1"}}],
        [{"role": "assistant", "content": "x", "reasoning_content": "hmm"}],
        [{"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}}],
        [{"role": "function", "name": "f", "content": "42"}],
        [{"role": "function", "name": "f", "content": None}],
        [CALLING, ANSWER | {"content": ""}],
    ],
)
def test_a_message_that_keeps_its_roles_rules_passes(messages: Any, chat_violations: Callable[..., list[str]]) -> None:
    assert chat_violations(messages=messages) == []
