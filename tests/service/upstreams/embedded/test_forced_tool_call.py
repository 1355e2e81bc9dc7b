"""Tool calls made of replies that follow a schema."""

from typing import Any

import orjson
import pytest
from modelwire_service.upstreams.embedded.forced_tool_call import (
    ForcedToolCall,
    ToolCallStream,
    forced_tool_call,
    with_tool_call,
)

CITY = {"type": "object", "properties": {"city": {"$ref": "#/$defs/city"}}, "$defs": {"city": {"type": "string"}}}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
CLOCK = {"type": "function", "function": {"name": "clock"}}
NAMED = ForcedToolCall(CITY, "weather")
PICKED = ForcedToolCall({}, None)
PICKED_REPLY = '{"name": "weather", "arguments": {"city": "Paris", "b": 1}}'


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def forced(tools: list[dict[str, Any]], choice: object) -> ForcedToolCall:
    found = forced_tool_call({"tools": tools, "tool_choice": choice})
    assert found is not None
    return found


def plain(content: str, finish_reason: str = "stop") -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}


def streamed(demand: ForcedToolCall, pieces: list[str], finish_reason: str = "stop") -> list[dict[str, Any]]:
    """The choices made of a stream as llama.cpp sends it: the role, the pieces, the end."""
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": None},
        *({"content": piece} for piece in pieces),
        {},
    ]
    stream = ToolCallStream(demand)
    return [
        shown
        for at, delta in enumerate(deltas)
        for shown in stream.choices(
            {"index": 2, "delta": delta, "finish_reason": finish_reason if at == len(deltas) - 1 else None}
        )
    ]


@pytest.mark.parametrize("choice", [None, "none", "auto"])
def test_nothing_is_forced_by(choice: object) -> None:
    assert forced_tool_call({"tools": [WEATHER], "tool_choice": choice}) is None
    assert forced_tool_call({"tools": [WEATHER]}) is None


@pytest.mark.parametrize(
    ("tools", "choice"),
    [([WEATHER], "required"), ([WEATHER], named("weather")), ([CLOCK, WEATHER], named("weather"))],
)
def test_a_known_tool_forces_the_schema_of_its_parameters(tools: list[dict[str, Any]], choice: object) -> None:
    assert forced(tools, choice) == ForcedToolCall(CITY, "weather")


def test_a_tool_without_parameters_takes_an_empty_object() -> None:
    assert forced([CLOCK], "required").schema == {"type": "object", "properties": {}, "additionalProperties": False}


def test_several_tools_force_a_choice_among_them() -> None:
    demand = forced([CLOCK, WEATHER], "required")
    assert demand.name is None
    clock, weather = demand.schema["anyOf"]
    assert clock["properties"]["name"] == {"const": "clock"}
    assert weather["properties"]["name"] == {"const": "weather"}
    assert list(weather["properties"]) == weather["required"] == ["name", "arguments"]


def test_references_hold_inside_a_choice_among_tools() -> None:
    demand = forced([CLOCK, WEATHER], "required")
    arguments = demand.schema["anyOf"][1]["properties"]["arguments"]
    pointer = arguments["properties"]["city"]["$ref"]
    target: Any = demand.schema
    for step in pointer.removeprefix("#/").split("/"):
        target = target[int(step)] if isinstance(target, list) else target[step]
    assert target == {"type": "string"}


@pytest.mark.parametrize(
    ("demand", "content", "arguments"),
    [(NAMED, '{ "city": "Paris" }', '{ "city": "Paris" }'), (PICKED, PICKED_REPLY, '{"city":"Paris","b":1}')],
)
def test_a_reply_becomes_a_call(demand: ForcedToolCall, content: str, arguments: str) -> None:
    choice = with_tool_call(plain(content), demand)
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call["id"].startswith("call_")
    assert call["type"] == "function"
    assert call["function"] == {"name": "weather", "arguments": arguments}


def test_calls_have_ids_of_their_own() -> None:
    ids = {with_tool_call(plain("{}"), NAMED)["message"]["tool_calls"][0]["id"] for _ in range(5)}
    assert len(ids) == 5


def test_a_call_cut_short_says_so() -> None:
    choice = with_tool_call(plain('{"city": "Par', "length"), NAMED)
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"city": "Par'


def test_a_call_cut_short_before_its_tool_is_known_is_none() -> None:
    choice = with_tool_call(plain('{"name": "wea', "length"), PICKED)
    assert choice["finish_reason"] == "length"
    assert choice["message"] == {"role": "assistant", "content": None}


def test_a_named_call_is_streamed_as_it_comes() -> None:
    opening, first, second, end = streamed(NAMED, ['{"city":', '"Paris"}'])
    assert {choice["index"] for choice in (opening, first, second, end)} == {2}
    assert [choice["finish_reason"] for choice in (opening, first, second, end)] == [None, None, None, "tool_calls"]
    (call,) = opening["delta"].pop("tool_calls")
    assert opening["delta"] == {"role": "assistant", "content": None}
    assert call.pop("id").startswith("call_")
    assert call == {"index": 0, "type": "function", "function": {"name": "weather", "arguments": ""}}
    assert first["delta"] == {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]}
    assert second["delta"] == {"tool_calls": [{"index": 0, "function": {"arguments": '"Paris"}'}}]}
    assert end["delta"] == {}


def test_a_call_of_a_picked_tool_is_streamed_once_it_is_whole() -> None:
    role, whole, end = streamed(PICKED, [PICKED_REPLY[:20], PICKED_REPLY[20:]])
    assert role["delta"] == {"role": "assistant", "content": None}
    (call,) = whole["delta"]["tool_calls"]
    assert call["index"] == 0
    assert call["function"]["name"] == "weather"
    assert orjson.loads(call["function"]["arguments"]) == {"city": "Paris", "b": 1}
    assert whole["finish_reason"] is None
    assert (end["delta"], end["finish_reason"]) == ({}, "tool_calls")


@pytest.mark.parametrize("demand", [NAMED, PICKED])
def test_a_streamed_call_cut_short_says_so(demand: ForcedToolCall) -> None:
    assert streamed(demand, ['{"na'], "length")[-1]["finish_reason"] == "length"
