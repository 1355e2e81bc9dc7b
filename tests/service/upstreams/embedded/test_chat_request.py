"""What the chat model is asked, and what is refused."""

from typing import Any

import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.embedded.chat_request import MAX_CHOICES, plan_chat

USER = {"role": "user", "content": "Hello"}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:,"}}
TEXT = {"type": "text", "text": "Hello"}


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "smollm2-135m-instruct", "messages": [USER]} | fields


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0},
        {"top_p": 0.5},
        {"stop": ["a", "b"]},
        {"presence_penalty": -1.5, "frequency_penalty": 2},
        {"logit_bias": {"15": -100}},
        {"logprobs": True, "top_logprobs": 3},
        {"response_format": {"type": "json_object"}},
        {"seed": 7},
        {"messages": [{"role": "system", "content": [TEXT]}, USER, {"role": "assistant", "content": None}]},
        {"tools": [TOOL]},
    ],
)
def test_what_the_model_takes_is_passed_on(fields: dict[str, Any]) -> None:
    (body,) = plan_chat(request(**fields)).bodies()
    assert body == request(max_tokens=512) | fields


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "u"},
        {"metadata": {"a": "b"}},
        {"store": True},
        {"service_tier": "auto"},
        {"safety_identifier": "s"},
        {"prompt_cache_key": "k"},
        {"verbosity": "low"},
        {"reasoning_effort": "high"},
        {"parallel_tool_calls": False},
        {"modalities": ["text"]},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"tools": [TOOL], "tool_choice": "none"},
        {"tool_choice": "auto"},
    ],
)
def test_what_has_no_effect_is_accepted_and_not_passed_on(fields: dict[str, Any]) -> None:
    assert list(plan_chat(request(**fields)).bodies()) == [request(max_tokens=512)]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"top_k": 5}, "top_k"),
        ({"cache_prompt": False}, "cache_prompt"),
        ({"grammar": "root ::= x"}, "grammar"),
        ({"functions": []}, "functions"),
        ({"audio": {"format": "wav", "voice": "x"}}, "audio"),
        ({"prediction": {"type": "content"}}, "prediction"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"extra_body": {"google": {}}}, "extra_body"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"modalities": ["image"]}, "modalities"),
        ({"n": MAX_CHOICES + 1}, "n"),
        ({"tools": [TOOL, TOOL | {"cache_control": {}}]}, "tools[1].cache_control"),
        ({"tools": [{"type": "function", "function": {"name": "f", "x": 1}}]}, "tools[0].function.x"),
        ({"response_format": {"type": "text", "schema": {}}}, "response_format.schema"),
        ({"messages": [{"role": "user", "content": [TEXT, IMAGE]}]}, "messages[0].content[1]"),
        ({"messages": [USER, {"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[1].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": ["text"]}]}, "messages[0].content[0]"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "g"}}, "tools": [TOOL]}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools"}, "tools": [TOOL]}, "tool_choice"),
        ({"tool_choice": "always", "tools": [TOOL]}, "tool_choice"),
    ],
)
def test_what_the_model_cannot_do_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan_chat(request(**fields))
    assert [violation.field for violation in caught.value.violations] == [named]


def test_all_that_is_refused_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan_chat(request(n=9, top_k=5, audio={}))
    assert {violation.field for violation in caught.value.violations} == {"n", "top_k", "audio"}


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, 512),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 6),
        ({"max_tokens": 5000}, 512),
        ({"max_completion_tokens": 5000, "max_tokens": 5}, 512),
    ],
)
def test_replies_are_limited(fields: dict[str, Any], limit: int) -> None:
    (body,) = plan_chat(request(**fields)).bodies()
    assert body["max_tokens"] == limit
    assert "max_completion_tokens" not in body


@pytest.mark.parametrize(
    ("seed", "n", "seeds"),
    [
        (7, 1, (7,)),
        (7, 3, (7, 8, 9)),
        (0, 2, (0, 1)),
        (2**32 - 2, 2, (2**32 - 2, 0)),
        (2**32 - 1, 1, (0,)),
        (-1, 1, (2**32 - 2,)),
        (2**53, 1, (2**53 % (2**32 - 1),)),
    ],
)
def test_each_choice_has_a_seed_of_its_own(seed: int, n: int, seeds: tuple[int, ...]) -> None:
    assert tuple(body["seed"] for body in plan_chat(request(seed=seed, n=n)).bodies()) == seeds


def test_several_choices_without_a_seed_get_one_that_nobody_knows() -> None:
    first, second, third = (body["seed"] for body in plan_chat(request(n=3)).bodies())
    assert (second - first) % (2**32 - 1) == (third - second) % (2**32 - 1) == 1
    assert {plan_chat(request(n=2)).seeds for _ in range(5)} != {plan_chat(request(n=2)).seeds}


def test_one_choice_without_a_seed_has_none() -> None:
    assert list(plan_chat(request()).bodies()) == [request(max_tokens=512)]


def tools_named(*names: str) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name}} for name in names]


def allowed(mode: str, *names: str) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools_named(*names)}}


def test_tools_that_are_not_allowed_are_not_told_of() -> None:
    (body,) = plan_chat(request(tools=tools_named("f", "g", "h"), tool_choice=allowed("auto", "h", "f"))).bodies()
    assert body == request(max_tokens=512, tools=tools_named("f", "h"))


def test_a_call_is_forced_among_the_tools_that_are_allowed() -> None:
    plan = plan_chat(request(tools=tools_named("f", "g", "h"), tool_choice=allowed("required", "h", "f")))
    assert plan.forced is not None
    assert plan.forced.name is None
    assert [each["properties"]["name"]["const"] for each in plan.forced.schema["anyOf"]] == ["f", "h"]


def test_the_one_tool_allowed_is_the_one_called() -> None:
    plan = plan_chat(request(tools=tools_named("f", "g"), tool_choice=allowed("required", "g")))
    assert plan.forced is not None
    assert plan.forced.name == "g"


def test_what_is_wrong_with_a_tool_is_told_by_its_place_among_all() -> None:
    tools = [*tools_named("f"), {"type": "function", "function": {"name": "g", "x": 1}}]
    with pytest.raises(InvalidRequest, match=r"^tools\[1\]\.function\.x: "):
        plan_chat(request(tools=tools, tool_choice=allowed("required", "g")))


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "f"}}])
def test_a_forced_call_becomes_a_schema(choice: object) -> None:
    plan = plan_chat(request(tools=[TOOL], tool_choice=choice, response_format={"type": "text"}))
    (body,) = plan.bodies()
    assert "tools" not in body
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert plan.forced is not None
    assert plan.forced.name == "f"
