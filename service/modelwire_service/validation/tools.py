"""The tools a model may call, and which of them it must.

tool_choice has the four forms of the contract. OpenAI's further ones (`allowed_tools`, `custom`) are
refused, as custom tools are: an upstream that does not know them would answer as if nothing was chosen.
"""

from typing import Any, Final

from modelwire_service.validation.checks import (
    boolean,
    filled,
    mapping,
    matching,
    one_of,
    shape,
    text,
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

_named_choice: Final = shape({"type": one_of("function"), "function": shape({"name": filled})})
_choice_word: Final = one_of("none", "auto", "required")


def check_tools(value: Any, path: Path, report: Report) -> None:
    """A list of function tools, no two of one name."""
    if not isinstance(value, list):
        report.add(path, "must be a list")
        return
    first_of: dict[str, int] = {}
    for index, tool in enumerate(value):
        _tool(tool, (*path, index), report)
        name = function_name(tool)
        if name is not None and (first := first_of.setdefault(name, index)) != index:
            report.add((*path, index, "function", "name"), f"must be unique; tools[{first}] has it too")


def check_tool_choice(value: Any, path: Path, report: Report) -> None:
    if isinstance(value, str):
        _choice_word(value, path, report)
    elif isinstance(value, dict):
        _named_choice(value, path, report)
    else:
        report.add(path, "must be none, auto, required or an object that names a function")


def check_choice_among_tools(request: dict[str, Any], report: Report) -> None:
    """A call can be forced only if there are tools, and only of one of them."""
    choice, tools = request["tool_choice"], request.get("tools")
    if choice != "required" and not isinstance(choice, dict):
        return
    if not tools:
        report.add(("tool_choice",), "requires tools")
        return
    chosen = function_name(choice)
    if chosen and isinstance(tools, list) and chosen not in map(function_name, tools):
        report.add(("tool_choice", "function", "name"), f"must be one of the tools, not {shown(chosen)}")


def function_name(tool: Any) -> str | None:
    """The name of the function in a tool or in a choice of one, if it has one."""
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None
