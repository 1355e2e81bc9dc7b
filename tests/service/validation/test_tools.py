from collections.abc import Callable
from typing import Any

import pytest
from modelwire_service.validation.bounds import MAX_TOOLS

ALLOWED = "tool_choice.allowed_tools"
NAME = "must be 1 to 128 letters, digits, '_', '.', ':' or '-'"


def tool(name: Any = "f", **members: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **members}}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *tools: Any) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [*tools]}}


REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"tools": {}}, ["tools: must be a list"]),
    ({"tools": ["f"]}, ["tools[0]: must be an object"]),
    ({"tools": [{}]}, ["tools[0].type: is required", "tools[0].function: is required"]),
    ({"tools": [{"type": "", "function": {"name": "f"}}]}, ["tools[0].type: must be function, not ''"]),
    (
        {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
        ["tools[0].type: must be function, not 'custom'", "tools[0].function: is required"],
    ),
    ({"tools": [{"type": "function", "function": "f"}]}, ["tools[0].function: must be an object"]),
    ({"tools": [{"type": "function", "function": {}}]}, ["tools[0].function.name: is required"]),
    ({"tools": [tool("")]}, ["tools[0].function.name: must not be empty"]),
    ({"tools": [tool(5)]}, ["tools[0].function.name: must be a string"]),
    ({"tools": [tool("get weather")]}, [f"tools[0].function.name: {NAME}"]),
    ({"tools": [tool("f\n")]}, [f"tools[0].function.name: {NAME}"]),
    ({"tools": [tool("f\x00")]}, [f"tools[0].function.name: {NAME}"]),
    ({"tools": [tool("é")]}, [f"tools[0].function.name: {NAME}"]),
    ({"tools": [tool("f" * 129)]}, [f"tools[0].function.name: {NAME}"]),
    ({"tools": [tool("a"), tool("b"), tool("a")]}, ["tools[2].function.name: must be unique; tools[0] has it too"]),
    ({"tools": [tool(parameters=[])]}, ["tools[0].function.parameters: must be an object"]),
    ({"tools": [tool(description=5)]}, ["tools[0].function.description: must be a string"]),
    ({"tools": [tool(strict="yes")]}, ["tools[0].function.strict: must be a boolean"]),
    ({"tool_choice": "required"}, ["tool_choice: requires tools"]),
    ({"tool_choice": "required", "tools": []}, ["tool_choice: requires tools"]),
    ({"tool_choice": tool()}, ["tool_choice: requires tools"]),
    ({"tool_choice": "any"}, ["tool_choice: must be one of none, auto, required, not 'any'"]),
    ({"tool_choice": ""}, ["tool_choice: must be one of none, auto, required, not ''"]),
    ({"tool_choice": 1}, ["tool_choice: must be none, auto, required or an object that names a function"]),
    ({"tool_choice": ["auto"]}, ["tool_choice: must be none, auto, required or an object that names a function"]),
    ({"tools": [tool()], "tool_choice": {}}, ["tool_choice.type: is required"]),
    ({"tools": [tool()], "tool_choice": {"type": ["function"]}}, ["tool_choice.type: must be a string"]),
    ({"tools": [tool()], "tool_choice": {"type": "function"}}, ["tool_choice.function: is required"]),
    (
        {"tools": [tool()], "tool_choice": {"function": {"name": "f"}}},
        ["tool_choice.type: is required"],
    ),
    (
        {"tools": [tool()], "tool_choice": {"type": "custom", "custom": {"name": "f"}}},
        ["tool_choice.type: must be one of function, allowed_tools, not 'custom'"],
    ),
    ({"tool_choice": allowed("auto", named("f"))}, ["tool_choice: requires tools"]),
    ({"tools": [tool()], "tool_choice": {"type": "allowed_tools"}}, ["tool_choice.allowed_tools: is required"]),
    (
        {"tools": [tool()], "tool_choice": {"type": "allowed_tools", "allowed_tools": ["f"]}},
        ["tool_choice.allowed_tools: must be an object"],
    ),
    (
        {"tools": [tool()], "tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
        [f"{ALLOWED}.mode: is required", f"{ALLOWED}.tools: is required"],
    ),
    (
        {"tools": [tool()], "tool_choice": allowed("none", named("f"))},
        [f"{ALLOWED}.mode: must be one of auto, required, not 'none'"],
    ),
    ({"tools": [tool()], "tool_choice": allowed("auto")}, [f"{ALLOWED}.tools: must not be empty"]),
    (
        {"tools": [tool()], "tool_choice": allowed("auto", named("f"), named("g"))},
        [f"{ALLOWED}.tools[1].function.name: must be one of the tools, not 'g'"],
    ),
    (
        {"tools": [tool()], "tool_choice": allowed("auto", {"type": "mcp", "server_label": "s"})},
        [f"{ALLOWED}.tools[0].type: must be function, not 'mcp'", f"{ALLOWED}.tools[0].function: is required"],
    ),
    (
        {"tools": [tool()], "tool_choice": allowed("auto", "f", named(""))},
        [f"{ALLOWED}.tools[0]: must be an object", f"{ALLOWED}.tools[1].function.name: must not be empty"],
    ),
    (
        {"tools": [tool()], "tool_choice": allowed("auto", *[named("f")] * (MAX_TOOLS + 1))},
        [f"{ALLOWED}.tools: must hold at most {MAX_TOOLS} tools"],
    ),
    (
        {"tools": [tool(f"f{at}") for at in range(MAX_TOOLS + 1)]},
        [f"tools: must hold at most {MAX_TOOLS} tools"],
    ),
    ({"tools": [tool()], "tool_choice": tool("")}, ["tool_choice.function.name: must not be empty"]),
    ({"tools": [tool()], "tool_choice": tool(None)}, ["tool_choice.function.name: is required"]),
    ({"tools": [tool()], "tool_choice": tool("g")}, ["tool_choice.function.name: must be one of the tools, not 'g'"]),
    ({"tools": "f", "tool_choice": tool("g")}, ["tools: must be a list"]),
]


@pytest.mark.parametrize(("members", "violations"), REFUSED)
def test_tools_and_choices_that_cannot_be_are_refused(
    members: dict[str, Any], violations: list[str], chat_violations: Callable[..., list[str]]
) -> None:
    assert chat_violations(**members) == violations


@pytest.mark.parametrize(
    "members",
    [
        {"tools": [tool("a"), tool("A")]},
        {"tools": [tool("default_api:get.weather-2")]},
        {"tools": [tool("f" * 128, description="", parameters={}, strict=True)]},
        {"tools": [tool() | {"cache_control": {"type": "ephemeral"}}]},
        {"tools": [tool()], "tool_choice": "required"},
        {"tools": [tool()], "tool_choice": "none"},
        {"tools": [tool("a"), tool("b")], "tool_choice": tool("b")},
        {"tools": [tool("a"), tool("b"), tool("c")], "tool_choice": allowed("auto", named("c"), named("a"))},
        {"tools": [tool("a"), tool("b")], "tool_choice": allowed("required", named("b"), named("b"))},
        {"tools": [tool(f"f{at}") for at in range(MAX_TOOLS)]},
        {"tool_choice": "auto"},
        {"tool_choice": "none"},
    ],
)
def test_tools_and_choices_that_can_be_pass(members: dict[str, Any], chat_violations: Callable[..., list[str]]) -> None:
    assert chat_violations(**members) == []
