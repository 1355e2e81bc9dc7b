"""Messages and tools for servers that take fewer forms of them than OpenAI."""

from collections.abc import Iterable
from typing import Any, Final

from modelwire_service.errors import Violation
from modelwire_service.upstreams.base import Json

_TAKEN_OF: Final[dict[str, frozenset[str]]] = {
    "system": frozenset({"role", "content", "name"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset({"role", "content", "name", "refusal", "tool_calls"}),
    "tool": frozenset({"role", "content", "tool_call_id"}),
    "function": frozenset({"role", "content", "name"}),
}
_USER_PARTS: Final = frozenset({"text", "image_url"})
_OF_TOOL: Final = frozenset({"type", "function"})
_OF_FUNCTION: Final = frozenset({"name", "description", "parameters"})
# What clients send back of an answer, and what says more of a result than its call does: no server needs them.
_LEFT_OUT: Final = frozenset({"annotations", "reasoning", "reasoning_content", "reasoning_details", "name"})


def closed_messages(messages: list[Json], vendor: str, violations: list[Violation]) -> list[Json]:
    """Messages of the five roles and their known members alone, with texts as contents, but for a user's."""
    return [_closed(message, f"messages[{at}]", vendor, violations) for at, message in enumerate(messages)]


def closed_tools(tools: list[Json], vendor: str, violations: list[Violation]) -> list[Json]:
    """Tools whose functions have a description (the name stands in for one) and no `strict`."""
    for at, tool in enumerate(tools):
        _refuse(tool.keys() - _OF_TOOL, f"tools[{at}]", vendor, violations)
        _refuse(tool["function"].keys() - _OF_FUNCTION - {"strict"}, f"tools[{at}].function", vendor, violations)
    return [{"type": tool["type"], "function": _described(tool["function"])} for tool in tools]


def text_results(message: Json) -> Json:
    """A tool's result as one text; any other message as it is."""
    if message["role"] != "tool" or not isinstance(message["content"], list):
        return message
    return {**message, "content": _joined(message["content"])}


def reasoning_named(message: Json) -> Json:
    """An assistant's message with `reasoning` for `reasoning_content`."""
    if message["role"] != "assistant" or "reasoning_content" not in message:
        return message
    rest = {key: value for key, value in message.items() if key != "reasoning_content"}
    return {"reasoning": message["reasoning_content"], **rest}


def _closed(message: Json, path: str, vendor: str, violations: list[Violation]) -> Json:
    role = "system" if message["role"] == "developer" else message["role"]
    said = {key: value for key, value in message.items() if value is not None} | {"role": role}
    unknown = said.keys() - _TAKEN_OF[role]
    _refuse(unknown - _LEFT_OUT, path, vendor, violations)
    said = {key: value for key, value in said.items() if key not in unknown}
    said["content"] = _content(said.get("content"), role, path, vendor, violations)
    if "tool_calls" in said:
        said["tool_calls"] = [_closed_call(call) for call in said["tool_calls"]]
    return said


def _content(content: Any, role: str, path: str, vendor: str, violations: list[Violation]) -> Any:
    if not isinstance(content, list):
        return content or ""
    taken = _USER_PARTS if role == "user" else {"text", "refusal"}
    for at, part in enumerate(content):
        if part["type"] not in taken:
            _refuse([part["type"]], f"{path}.content[{at}]", vendor, violations)
    return content if role == "user" else _joined(content)


def _closed_call(call: Json) -> Json:
    function = {key: call["function"][key] for key in ("name", "arguments")}
    return {"id": call["id"], "type": call["type"], "function": function}


def _described(function: Json) -> Json:
    known = {key: value for key, value in function.items() if key in _OF_FUNCTION}
    return {**known, "description": function.get("description") or function["name"]}


def _joined(parts: list[Json]) -> str:
    """The text of parts that are all texts; a refusal is one."""
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts)


def _refuse(names: Iterable[str], path: str, vendor: str, violations: list[Violation]) -> None:
    violations.extend(Violation(f"{path}.{name}", f"not supported by {vendor}") for name in sorted(names))
