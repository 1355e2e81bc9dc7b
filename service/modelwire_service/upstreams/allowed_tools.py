"""OpenAI's `allowed_tools`: a choice among some of the tools a request declares."""

from dataclasses import dataclass
from typing import Any, Literal

from modelwire_service.upstreams.base import Json


@dataclass(frozen=True, slots=True)
class AllowedTools:
    """The functions that may be called, each once, and whether one of them must be."""

    mode: Literal["auto", "required"]
    names: tuple[str, ...]


def allowed_tools(choice: Any) -> AllowedTools | None:
    """What a `tool_choice` of that form allows, None for one of another form."""
    match choice:
        case {"type": "allowed_tools", "allowed_tools": {"mode": "auto" | "required" as mode, "tools": tools}}:
            return AllowedTools(mode, tuple(dict.fromkeys(tool["function"]["name"] for tool in tools)))
    return None


def allowed_alone(request: Json) -> Json:
    """The request for those who do not know the form: the tools it allows are all there are, and its mode the choice.

    What that loses is speed alone: an upstream that caches by the list of tools reads another list.
    """
    if (allowed := allowed_tools(request.get("tool_choice"))) is None:
        return request
    names = set(allowed.names)
    tools = [tool for tool in request["tools"] if tool["function"]["name"] in names]
    return {**request, "tools": tools, "tool_choice": allowed.mode}
