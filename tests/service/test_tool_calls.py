"""Tool calls of servers that word them in their own ways, as OpenAI would have worded them."""

import re
from typing import Any

import pytest
from modelwire_service.tool_calls import CallDeltas, completed_calls
from modelwire_service.upstreams.base import Json

FRESH = "a fresh id"


def shown(calls: list[Json]) -> list[Json]:
    """The calls, with FRESH for each id that was made here."""
    return [{**c, "id": FRESH} if re.fullmatch(r"call_[0-9a-f]{24}", c.get("id") or "") else c for c in calls]


def whole(identity: str, name: str, arguments: str = "{}", **more: Any) -> Json:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


WHOLE: dict[str, tuple[list[Json], list[Json]]] = {
    "OpenAI's": ([whole("a", "f")], [whole("a", "f")]),
    "an empty id": ([whole("", "f"), whole("", "g")], [whole(FRESH, "f"), whole(FRESH, "g")]),
    "one id twice": ([whole("a", "f"), whole("a", "f")], [whole("a", "f"), whole(FRESH, "f")]),
    "no id, no type": ([{"function": {"name": "f", "arguments": "{}"}}], [whole(FRESH, "f")]),
    "nulls": ([{"id": None, "type": None, "function": {"name": "f", "arguments": None}}], [whole(FRESH, "f")]),
    "an index": ([{**whole("a", "f"), "index": 0}], [whole("a", "f")]),
    "a thought signature": (
        [whole("a", "f", extra_content={"google": {"thought_signature": "s"}})],
        [whole("a", "f", extra_content={"google": {"thought_signature": "s"}})],
    ),
    "a custom tool": (
        [{"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}],
        [{"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}],
    ),
    "empty arguments": ([whole("a", "f", "")], [whole("a", "f")]),
}


@pytest.mark.parametrize("case", WHOLE)
def test_calls_of_a_message(case: str) -> None:
    told, read = WHOLE[case]
    assert shown(completed_calls(told)) == read


def test_ids_made_here_differ() -> None:
    first, second = completed_calls([whole("", "f"), whole("", "f")])
    assert first["id"] != second["id"]


def begin(index: Any, identity: str | None, name: str | None, arguments: Any = "") -> Json:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": identity, "type": "function", "function": function}


def rest(index: Any, arguments: str) -> Json:
    return {"index": index, "function": {"arguments": arguments}}


def without_index(delta: Json) -> Json:
    return {key: value for key, value in delta.items() if key != "index"}


STREAMED: dict[str, tuple[list[Json], list[Json]]] = {
    "OpenAI's": (
        [begin(0, "a", "f"), rest(0, "{"), rest(0, "}"), begin(1, "b", "g"), rest(1, "{}")],
        [begin(0, "a", "f"), rest(0, "{"), rest(0, "}"), begin(1, "b", "g"), rest(1, "{}")],
    ),
    "Gemini: no index, each call complete": (
        [without_index(begin(0, "a", "f", "{}")), without_index(begin(0, "b", "f", "{}"))],
        [begin(0, "a", "f", "{}"), begin(1, "b", "f", "{}")],
    ),
    "Gemini, 2025: no index, empty ids": (
        [without_index(begin(0, "", "f", "{}")), without_index(begin(0, "", "f", "{}"))],
        [begin(0, FRESH, "f", "{}"), begin(1, FRESH, "f", "{}")],
    ),
    "no index, arguments in fragments": (
        [without_index(begin(0, "a", "f")), without_index(rest(0, "{")), without_index(rest(0, "}"))],
        [begin(0, "a", "f"), rest(0, "{"), rest(0, "}")],
    ),
    "no index, the id on each": (
        [
            without_index(begin(0, "a", "f")),
            without_index(begin(0, "b", "g")),
            {"id": "a", "function": {"arguments": "{}"}},
        ],
        [begin(0, "a", "f"), begin(1, "b", "g"), rest(0, "{}")],
    ),
    "no index, no name first": ([{"function": {"arguments": "{"}}], [begin(0, FRESH, None, "{")]),
    "Ollama, 2024: index 0 for all": (
        [begin(0, "a", "f", "{}"), begin(0, "b", "g", "{}")],
        [begin(0, "a", "f", "{}"), begin(1, "b", "g", "{}")],
    ),
    "id, type and name on each": (
        [begin(0, "a", "f", "{"), begin(0, "a", "f", "}")],
        [begin(0, "a", "f", "{"), rest(0, "}")],
    ),
    "a fresh id on each fragment": (
        [begin(0, "a", "f", "{"), {"index": 0, "id": "z", "function": {"arguments": "}"}}],
        [begin(0, "a", "f", "{"), rest(0, "}")],
    ),
    "numbered from 1": (
        [begin(1, "a", "f"), rest(1, "{}"), begin(2, "b", "g", "{}")],
        [begin(0, "a", "f"), rest(0, "{}"), begin(1, "b", "g", "{}")],
    ),
    "an index as text": ([begin("0", "a", "f"), rest("0", "{}")], [begin(0, "a", "f"), rest(0, "{}")]),
    "the id before the name": (
        [{"index": 0, "id": "a"}, {"index": 0, "function": {"name": "f", "arguments": ""}}],
        [begin(0, "a", None), {"index": 0, "function": {"name": "f", "arguments": ""}}],
    ),
    "a custom tool": (
        [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": ""}}],
        [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": ""}}],
    ),
    "one id for two": (
        [begin(0, "a", "f", "{}"), begin(1, "a", "f", "{}")],
        [begin(0, "a", "f", "{}"), begin(1, FRESH, "f", "{}")],
    ),
    "a signature behind": (
        [begin(0, "a", "f"), {"index": 0, "extra_content": {"google": {"thought_signature": "s"}}}],
        [begin(0, "a", "f"), {"index": 0, "extra_content": {"google": {"thought_signature": "s"}}}],
    ),
}


def expected(delta: Json) -> Json:
    """A delta of the table as it is sent: a name nobody told is not said."""
    function = delta.get("function")
    if function is None or function.get("name"):
        return delta
    return {**delta, "function": {key: value for key, value in function.items() if key != "name"}}


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("case", STREAMED)
def test_deltas_of_calls(case: str, together: bool) -> None:
    told, read = STREAMED[case]
    deltas = CallDeltas()
    said = deltas.numbered(told) if together else [said for delta in told for said in deltas.numbered([delta])]
    assert shown(said) == [expected(delta) for delta in read]


@pytest.mark.parametrize("index", [[], {}, None])
def test_an_index_that_is_none_counts_as_left_out(index: Any) -> None:
    said = CallDeltas().numbered([begin(index, "a", "f"), begin(index, "b", "g")])
    assert [delta["index"] for delta in said] == [0, 1]


@pytest.mark.parametrize(
    ("deltas", "unnamed"),
    [
        ([], False),
        ([begin(0, "a", "f")], False),
        ([begin(0, "a", None)], True),
        ([begin(0, "a", None), begin(0, None, "f")], False),
        ([begin(0, "a", "f"), begin(1, "b", "")], True),
        ([{"index": 0, "type": "custom", "custom": {"name": "f"}}], False),
    ],
)
def test_calls_without_a_name_are_known(deltas: list[Json], unnamed: bool) -> None:
    calls = CallDeltas()
    calls.numbered(deltas)
    assert calls.any_unnamed is unnamed
