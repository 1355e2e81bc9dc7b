"""The tools a model may call, and which of them it must.

tool_choice has the four forms of the contract, and OpenAI's `allowed_tools`. Its `custom` is refused, as custom tools
are: an upstream that does not know them would answer as if nothing was chosen.
"""

from collections.abc import Mapping
from typing import Any, Final

from modelwire_service.validation.bounds import MAX_TOOLS
from modelwire_service.validation.checks import (
    NOT_EMPTY,
    Check,
    boolean,
    each,
    filled,
    mapping,
    matching,
    one_of,
    shape,
    text,
    up_to,
)
from modelwire_service.validation.report import Path, Report, shown

# Gemini's, the widest; OpenAI takes 64 of letters, digits, _ and -.
_function_name: Final = matching(r"[A-Za-z0-9_.:-]{1,128}", "must be 1 to 128 letters, digits, '_', '.', ':' or '-'")

_tool: Final = shape(
    {
        "type": one_of("function"),
        "function": shape({"name": _function_name}, {"description": text, "parameters": mapping, "strict": boolean}),
    }
)


def _distinct_tools(value: Any, path: Path, report: Report) -> None:
    if not isinstance(value, list):
        report.add(path, "must be a list")
        return
    first_of: dict[str, int] = {}
    for index, tool in enumerate(value):
        _tool(tool, (*path, index), report)
        name = function_name(tool)
        if name is not None and (first := first_of.setdefault(name, index)) != index:
            report.add((*path, index, "function", "name"), f"must be unique; tools[{first}] has it too")


check_tools: Final = up_to(MAX_TOOLS, "tools", _distinct_tools)
"""A list of function tools, no two of one name."""


def check_tool_choice(value: Any, path: Path, report: Report) -> None:
    if isinstance(value, str):
        _choice_word(value, path, report)
    elif not isinstance(value, dict):
        report.add(path, "must be none, auto, required or an object that names a function")
    elif isinstance(kind := value.get("type"), str) and (check := _CHOICES.get(kind)) is not None:
        check(value, path, report)
    else:
        _choice_type(value, path, report)


def check_choice_among_tools(request: dict[str, Any], report: Report) -> None:
    """A call can be forced, and tools allowed, only if there are tools, and only of those there are."""
    choice, tools = request["tool_choice"], request.get("tools")
    if choice != "required" and not isinstance(choice, dict):
        return
    if not tools:
        report.add(("tool_choice",), "requires tools")
        return
    if isinstance(choice, dict) and isinstance(tools, list):
        names = set(map(function_name, tools))
        for path, place in _naming(choice):
            if (name := function_name(place)) and name not in names:
                report.add(("tool_choice", *path, "function", "name"), f"must be one of the tools, not {shown(name)}")


def _naming(choice: dict[str, Any]) -> list[tuple[Path, Any]]:
    """What in a choice names a function, each after the path to it."""
    if choice.get("type") != "allowed_tools":
        return [((), choice)]
    allowed = choice.get("allowed_tools")
    tools = allowed.get("tools") if isinstance(allowed, dict) else None
    # A longer list is refused for its length.
    listed = tools[:MAX_TOOLS] if isinstance(tools, list) else []
    return [(("allowed_tools", "tools", index), tool) for index, tool in enumerate(listed)]


def function_name(tool: Any) -> str | None:
    """The name of the function in a tool or in a choice of one, if it has one."""
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _allowed_list(value: Any, path: Path, report: Report) -> None:
    _named_tools(value, path, report)
    if value == []:
        report.add(path, NOT_EMPTY)


_named_function: Final = shape({"name": filled})
_named_tools: Final = each(shape({"type": one_of("function"), "function": _named_function}))
_allowed: Final = shape({"mode": one_of("auto", "required"), "tools": up_to(MAX_TOOLS, "tools", _allowed_list)})
_CHOICES: Final[Mapping[str, Check]] = {
    "function": shape({"function": _named_function}),
    "allowed_tools": shape({"allowed_tools": _allowed}),
}
_choice_type: Final = shape({"type": one_of(*_CHOICES)})
_choice_word: Final = one_of("none", "auto", "required")
