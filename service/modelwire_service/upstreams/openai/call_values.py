"""The values in tool calls of OpenAI-compatible servers, made those of OpenAI's types, in place."""

from typing import Any

import orjson

from modelwire_service.upstreams.answer_json import malformed, number_in
from modelwire_service.upstreams.base import Json


def settle_calls(calls: list[Any], where: str, *, whole: bool) -> None:
    """Settles the calls of a message (`whole`), or what a delta tells of them.

    Raises UpstreamProtocolError for values that nobody can read, and for a whole call of no name.
    """
    for at, call in enumerate(calls):
        if not _is_settled(call, whole=whole):
            _settle(call, f"{where}[{at}]", whole=whole)


def settle_function(function: Any, where: str, *, whole: bool) -> None:
    """The same for the function a call names, and its arguments."""
    if type(function) is not dict:
        raise malformed(where, "an object")
    name, arguments = function.get("name"), function.get("arguments")
    if (whole and not name) or not isinstance(name, str | None):
        raise malformed(f"{where}.name", "a name")
    if isinstance(arguments, dict):
        function["arguments"] = orjson.dumps(arguments).decode()
    elif arguments is not None and not isinstance(arguments, str):
        raise malformed(f"{where}.arguments", "a text")
    elif whole and not arguments:
        function["arguments"] = "{}"


def _is_settled(call: Any, *, whole: bool) -> bool:
    """Whether a call is as OpenAI would have sent it."""
    if type(call) is not dict or type(function := call.get("function")) is not dict:
        return False
    given, kind, name, arguments = call.get("id"), call.get("type"), function.get("name"), function.get("arguments")
    if type(arguments) is not str:
        return False
    if whole:
        return type(given) is type(name) is str and kind == "function" and bool(name and arguments)
    return (
        (given is None or type(given) is str)
        and (name is None or type(name) is str)
        and (kind is None or kind == "function")
        and type(call.get("index", 0)) is int
    )


def _settle(call: Any, where: str, *, whole: bool) -> None:
    if type(call) is not dict:
        raise malformed(where, "an object")
    _settle_names(call)
    if (function := call.get("function")) is not None:
        call["type"] = "function"
        settle_function(function, f"{where}.function", whole=whole)
    elif (custom := call.get("custom")) is not None:
        _check_custom(custom, f"{where}.custom")
    elif whole and call.get("type") in (None, "", "function"):
        raise malformed(f"{where}.function", "an object")


def _settle_names(call: Json) -> None:
    """The members that tell a call from others. One that nobody can read counts as left out."""
    if type(given := call.get("id")) is not str:
        call["id"] = str(given) if type(given) is int else None
    if type(call.get("type")) is not str:
        call["type"] = None
    if type(index := call.get("index")) is not int:
        call["index"] = number_in(index)


def _check_custom(custom: Any, where: str) -> None:
    """A call of a custom tool: its input is a text of any kind."""
    if type(custom) is not dict:
        raise malformed(where, "an object")
    for name in ("name", "input"):
        if not isinstance(custom.get(name), str | None):
            raise malformed(f"{where}.{name}", "a text")
