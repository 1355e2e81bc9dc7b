"""Tool calls as OpenAI's clients read them, however an upstream words them.

In a stream OpenAI says index, id, type and name once, with the first delta of a call, and then fragments of the
arguments under the same index. Clients join whatever texts come under one index, ids and names included, and fail
without an index. Upstreams differ: Gemini's OpenAI endpoint leaves the index out, Ollama once gave all parallel calls
the index 0, others repeat id and name in each delta, or number from 1.

Which call a delta belongs to: that of its index, unless it names a function under an id of its own, which begins
another; without an index, that of its id; without either, a name begins a call and anything else continues the last.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from modelwire_service.upstreams.base import Json

_SAID_ONCE = ("index", "id", "type", "function")


def completed_calls(calls: list[Json]) -> list[Json]:
    """The calls of a whole message, each with a type, arguments as text, and an id that no other has."""
    taken: set[str] = set()
    return [_completed(call, taken) for call in calls]


@dataclass(slots=True)
class _Call:
    number: int
    given_id: str
    named: bool = False


class CallDeltas:
    """The deltas of one choice's tool calls, renumbered from 0 in the order the calls begin.

    `any_unnamed` tells whether a function is called that has had no name so far.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[Any, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._ids: set[str] = set()

    @property
    def any_unnamed(self) -> bool:
        return not all(call.named for call in self._calls)

    def numbered(self, deltas: list[Json]) -> list[Json]:
        """The deltas as OpenAI would have sent them."""
        return [self._numbered(delta) for delta in deltas]

    def _numbered(self, delta: Json) -> Json:
        function = _function(delta)
        name, given_id = _text(function.get("name")), _text(delta.get("id"))
        index = delta.get("index")
        call = self._continued(index, given_id, name)
        begins = call is None
        if call is None:
            call = _Call(len(self._calls), given_id)
            self._calls.append(call)
        if isinstance(index, (int, str, float)):
            self._by_index[index] = call
        call.given_id = call.given_id or given_id
        self._by_id.setdefault(call.given_id, call)
        said = {key: value for key, value in delta.items() if key not in _SAID_ONCE} | {"index": call.number}
        if begins:
            said |= {"id": _unique(given_id, self._ids), "type": delta.get("type") or "function"}
            call.named = said["type"] != "function"
        if function or said.get("type") == "function":
            said["function"] = _function_delta(function, begins=begins, named=call.named)
        call.named = call.named or bool(name)
        return said

    def _continued(self, index: object, given_id: str, name: str) -> _Call | None:
        if isinstance(index, (int, str, float)):
            call = self._by_index.get(index)
            another = call is not None and call.named and name and given_id and given_id != call.given_id
            return None if another else call
        if given_id:
            return self._by_id.get(given_id)
        return None if name or not self._calls else self._calls[-1]


def _completed(call: Json, taken: set[str]) -> Json:
    function = _function(call)
    rest = {key: value for key, value in call.items() if key not in _SAID_ONCE}
    said = {"id": _unique(_text(call.get("id")), taken), "type": call.get("type") or "function"}
    if said["type"] != "function" and not function:
        return {**said, **rest}
    return {**said, "function": {**function, "arguments": function.get("arguments") or "{}"}, **rest}


def _function_delta(function: Json, *, begins: bool, named: bool) -> Json:
    said = {key: value for key, value in function.items() if key not in ("name", "arguments")}
    if not named and (name := _text(function.get("name"))):
        said["name"] = name
    if begins or "arguments" in function:
        said["arguments"] = function.get("arguments") or ""
    return said


def _unique(told: str, taken: set[str]) -> str:
    identity = told if told and told not in taken else f"call_{secrets.token_hex(12)}"
    taken.add(identity)
    return identity


def _function(call: Json) -> Json:
    function = call.get("function")
    return function if isinstance(function, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
