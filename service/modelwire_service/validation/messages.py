"""The conversation, role by role. Members that are not named here are passed on as they are."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from modelwire_service.validation.checks import NOT_EMPTY, Check, each, filled, label, one_of, shape, text
from modelwire_service.validation.content import content_of
from modelwire_service.validation.report import Path, Report, shown


def check_messages(value: Any, path: Path, report: Report) -> None:
    """A list, not empty, of messages, in which every tool message answers a call made before it."""
    if not isinstance(value, list):
        report.add(path, "must be a list")
        return
    if not value:
        report.add(path, NOT_EMPTY)
    call_ids: set[str] = set()
    for index, message in enumerate(value):
        if not _is_plain(message):
            _check_message(message, (*path, index), report, call_ids)


def _is_plain(message: Any) -> bool:
    """Whether it is a role and a text and nothing else, as most are, in which nothing can be wrong."""
    return (
        type(message) is dict
        and len(message) == 2
        and type(message.get("content")) is str
        and message.get("role") in _PLAIN_ROLES
    )


def _check_message(message: Any, path: Path, report: Report, call_ids: set[str]) -> None:
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(role, str) or (check := _ROLES.get(role)) is None:
        _role(message, path, report)
        return
    check(message, path, report)
    if role == "assistant":
        call_ids.update(_call_ids(message))
    elif role == "tool":
        _check_answers_a_call(message, path, report, call_ids)


def _call_ids(message: dict[str, Any]) -> Iterator[str]:
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict) and isinstance(call_id := call.get("id"), str):
            yield call_id


def _check_answers_a_call(message: dict[str, Any], path: Path, report: Report, call_ids: set[str]) -> None:
    call_id = message.get("tool_call_id")
    if isinstance(call_id, str) and call_id and call_id not in call_ids:
        reason = f"must be the id of a tool call in an earlier assistant message, not {shown(call_id)}"
        report.add((*path, "tool_call_id"), reason)


def _assistant(message: Any, path: Path, report: Report) -> None:
    _assistant_members(message, path, report)
    if message.get("content") is None and not any(message.get(name) for name in _INSTEAD_OF_CONTENT):
        report.add((*path, "content"), f"is required without any of {', '.join(_INSTEAD_OF_CONTENT)}")


_INSTEAD_OF_CONTENT: Final = ("tool_calls", "refusal", "audio", "function_call")

# OpenAI takes any string as arguments, valid JSON or not: models write them.
_call: Final = shape({"name": label, "arguments": text})
_tool_call: Final = shape({"id": filled, "type": one_of("function"), "function": _call})

_assistant_members: Final = shape(
    {},
    {
        "content": content_of("assistant", "text", "refusal"),
        "name": label,
        "refusal": text,
        "tool_calls": each(_tool_call),
        "function_call": _call,
        "audio": shape({"id": filled}),
    },
)

_ROLES: Final[Mapping[str, Check]] = {
    "system": shape({"content": content_of("system", "text")}, {"name": label}),
    "developer": shape({"content": content_of("developer", "text")}, {"name": label}),
    "user": shape({"content": content_of("user", "text", "image_url", "input_audio", "file")}, {"name": label}),
    "assistant": _assistant,
    "tool": shape({"tool_call_id": filled, "content": content_of("tool", "text")}, {"name": label}),
    "function": shape({"name": label}, {"content": content_of("function", "text")}),
}

_role: Final = shape({"role": one_of(*_ROLES)})
_PLAIN_ROLES: Final = ("user", "assistant", "system", "developer")
"""The roles that need no member but a content."""
