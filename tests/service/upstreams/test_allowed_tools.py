"""A choice among some tools, read, and told to those who do not know it."""

from typing import Any

import pytest
from modelwire_service.upstreams.allowed_tools import AllowedTools, allowed_alone, allowed_tools
from modelwire_service.upstreams.base import Json


def named(*names: str) -> list[Json]:
    return [{"type": "function", "function": {"name": name}} for name in names]


def allowed(mode: str, *names: str) -> Json:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": named(*names)}}


def test_each_name_is_told_once_in_its_order() -> None:
    assert allowed_tools(allowed("required", "b", "a", "b")) == AllowedTools("required", ("b", "a"))


@pytest.mark.parametrize(
    "choice", [None, "auto", *named("f"), {"type": "allowed_tools"}, allowed("none", "f"), allowed("", "f")]
)
def test_other_choices_allow_nothing_of_this_form(choice: Any) -> None:
    request = {"tools": named("f"), "tool_choice": choice}
    assert allowed_tools(choice) is None
    assert allowed_alone(request) is request


def test_allowed_tools_are_all_there_are_in_the_order_declared() -> None:
    request = {"model": "m", "tools": named("a", "b", "c"), "tool_choice": allowed("auto", "c", "a")}
    assert allowed_alone(request) == {"model": "m", "tools": named("a", "c"), "tool_choice": "auto"}
    assert request["tools"] == named("a", "b", "c")
