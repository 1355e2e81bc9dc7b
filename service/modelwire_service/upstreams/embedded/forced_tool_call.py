"""Makes a model call a tool that only knows how to follow a JSON schema.

Where the tool is known, by name or because there is but one, the reply is held to the schema of its parameters
and becomes the arguments of a call, piece by piece in a stream. Where the model may pick, the reply is held to
`{"name": …, "arguments": …}` of one of the tools, and becomes a call once it is whole.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json

_NO_PARAMETERS: Json = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class ForcedToolCall:
    """A call the model must make. `name` is None where it picks the tool itself."""

    schema: Json
    name: str | None


def forced_tool_call(request: Json) -> ForcedToolCall | None:
    """The call that `tool_choice` demands, if it demands one.

    Raises InvalidRequest for a choice of no known form, without tools, or of a tool there is not.
    """
    functions = [tool["function"] for tool in request.get("tools") or []]
    match request.get("tool_choice"):
        case None | "none" | "auto":
            return None
        case "required":
            pass
        case {"type": "function", "function": {"name": name}}:
            functions = [function for function in functions if function["name"] == name]
        case _:
            raise InvalidRequest.of("tool_choice", "must be none, auto, required or a function by name")
    if not functions:
        raise InvalidRequest.of("tool_choice", "there is no such tool in tools")
    if len(functions) == 1:
        return ForcedToolCall(_parameters(functions[0]), functions[0]["name"])
    return ForcedToolCall({"anyOf": [_call_schema(at, function) for at, function in enumerate(functions)]}, None)


def with_tool_call(choice: Json, forced: ForcedToolCall) -> Json:
    """A choice of a plain reply whose content has become a tool call. One cut short by a limit may have none."""
    content = choice["message"].get("content") or ""
    called = _called(content, forced)
    message = choice["message"] | {"content": None}
    if called is not None:
        message["tool_calls"] = [_opening(*called)]
    return choice | {"message": message, "finish_reason": _finish_reason(choice, called is not None)}


class ToolCallStream:
    """Turns the choices of one streamed reply into those of a tool call."""

    def __init__(self, forced: ForcedToolCall) -> None:
        self._forced = forced
        self._opened = False
        self._held = ""

    def choices(self, choice: Json) -> Iterator[Json]:
        """The choices to stream in place of one: none while a call is held back until it is whole."""
        delta = choice["delta"]
        finished = choice.get("finish_reason") is not None
        shown: list[Json] = [{"tool_calls": [call]} for call in self._calls(delta.get("content") or "", finished)]
        if "role" in delta:
            head = {"role": delta["role"], "content": None}
            shown[:1] = [head | shown[0]] if shown else [head]
        for each in shown:
            yield choice | {"delta": each, "finish_reason": None}
        if finished:
            yield choice | {"delta": {}, "finish_reason": _finish_reason(choice, self._opened)}

    def _calls(self, content: str, finished: bool) -> list[Json]:
        if self._forced.name is None:
            self._held += content
            called = _called(self._held, self._forced) if finished else None
            self._opened = called is not None
            return [] if called is None else [{"index": 0} | _opening(*called)]
        opening: list[Json] = [] if self._opened else [{"index": 0} | _opening(self._forced.name, "")]
        self._opened = True
        return opening + ([{"index": 0, "function": {"arguments": content}}] if content else [])


def _parameters(function: Json) -> Json:
    return function.get("parameters") or _NO_PARAMETERS


def _call_schema(at: int, function: Json) -> Json:
    arguments = _rebased(_parameters(function), f"#/anyOf/{at}/properties/arguments")
    return {
        "type": "object",
        "properties": {"name": {"const": function["name"]}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _rebased(schema: Any, base: str) -> Any:
    """A schema whose references to its own root hold where it stands inside another one."""
    if isinstance(schema, list):
        return [_rebased(item, base) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: base + value[1:]
        if key == "$ref" and isinstance(value, str) and value.startswith("#")
        else _rebased(value, base)
        for key, value in schema.items()
    }


def _called(content: str, forced: ForcedToolCall) -> tuple[str, str] | None:
    """The name and the arguments, as JSON text, that a reply calls; None if it was cut before they were whole."""
    if forced.name is not None:
        return forced.name, content
    try:
        call = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return call["name"], orjson.dumps(call["arguments"]).decode()


def _opening(name: str, arguments: str) -> Json:
    call_id = f"call_{secrets.token_urlsafe(18)}"
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _finish_reason(choice: Json, called: bool) -> str | None:
    reason: str | None = choice.get("finish_reason")
    return "tool_calls" if reason == "stop" and called else reason
