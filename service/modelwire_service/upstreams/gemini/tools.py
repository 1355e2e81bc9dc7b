"""The functions a model may call, and which of them it must."""

from typing import Any, Final

from modelwire_service.upstreams.allowed_tools import AllowedTools, allowed_tools
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import Family
from modelwire_service.upstreams.gemini.schemas import PARAMETERS, schema_member

_MODES: Final = {"none": "NONE", "auto": "AUTO", "required": "ANY"}


def tool_members(request: Json, family: Family) -> Json:
    """The members `tools` and `toolConfig` of a request, where it has tools."""
    tools: list[Json] = request.get("tools") or []
    if not tools:
        return {}
    choice = request.get("tool_choice")
    allowed = allowed_tools(choice)
    declared = list(enumerate(tools))
    if allowed is not None and allowed.mode == "auto" and not family.validates_calls:
        # AUTO takes no names; where it is the only mode that forces nothing, what may not be called is not declared.
        names = set(allowed.names)
        declared = [(at, tool) for at, tool in declared if tool["function"]["name"] in names]
        allowed, choice = None, "auto"
    functions = [_declaration(tool["function"], f"tools[{at}].function", family) for at, tool in declared]
    members: Json = {"tools": [{"functionDeclarations": functions}]}
    strict = _any_strict(tools) and family.validates_calls
    if config := _among(allowed) if allowed is not None else _calling_config(choice, strict):
        members["toolConfig"] = {"functionCallingConfig": config}
    return members


def _among(allowed: AllowedTools) -> Json:
    """Calls of some functions alone. All stay declared, as OpenAI's do, so that what a cache holds of them holds.

    Names go with ANY and VALIDATED. The latter forces no call, as `auto` does; that it also holds calls to their
    schema takes nothing from anybody.
    """
    mode = "ANY" if allowed.mode == "required" else "VALIDATED"
    return {"mode": mode, "allowedFunctionNames": list(allowed.names)}


def _declaration(function: Json, path: str, family: Family) -> Json:
    declared = {name: function[name] for name in ("name", "description") if function.get(name)}
    if parameters := function.get("parameters"):
        member = schema_member({"type": "object"} | parameters, PARAMETERS, family, f"{path}.parameters")
        if member.get(PARAMETERS.plain) != {"type": "OBJECT"}:  # refused; a function without parameters has no field
            declared |= member
    return declared


def _calling_config(choice: Any, strict: bool) -> Json:
    if isinstance(choice, dict):
        return {"mode": "ANY", "allowedFunctionNames": [choice["function"]["name"]]}
    if strict and choice in (None, "auto"):
        # What `strict` promises, calls that follow their schema, is a mode of all functions: one that is strict gives
        # it to the others too, who lose nothing by it.
        return {"mode": "VALIDATED"}
    return {"mode": _MODES[choice]} if choice is not None else {}


def _any_strict(tools: list[Json]) -> bool:
    return any(tool["function"].get("strict") for tool in tools)
