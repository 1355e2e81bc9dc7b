"""Calls a model made and the results it was given, as functionCall and functionResponse parts.

Calls have ids from Gemini 3 on; earlier models answered 400 to them in reports. They go by order instead, so results
always stand in the order of their calls.
"""

from typing import Any, Final

import orjson

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import Family
from modelwire_service.upstreams.gemini.signatures import UNSIGNED, signed

_DEEPEST: Final = 30  # levels; a Struct of 34 is refused on the wire
_EXACT: Final = 1 << 53  # an integer beyond this is another one as a double


def call_parts(message: Json, path: str, family: Family) -> list[Json]:
    """The functionCall parts of an assistant message, in order."""
    calls: list[Json] = message.get("tool_calls") or []
    parts = [_call_part(call, f"{path}.tool_calls[{at}]", family) for at, call in enumerate(calls)]
    if not parts and (call := message.get("function_call")):
        parts = [{"functionCall": _call(call, f"{path}.function_call")}]
    if parts and family.has_signatures and not any("thoughtSignature" in part for part in parts):
        # Without any the whole history is a 400. Only the first of parallel calls is signed, so it is the one.
        parts[0]["thoughtSignature"] = UNSIGNED
    return parts


def result_part(name: str, content: str | list[Json] | None, call_id: str | None) -> Json:
    """A functionResponse part. `call_id` is None where the model knows no ids."""
    told: Json = {"id": call_id} if call_id is not None else {}
    return {"functionResponse": {**told, "name": name, "response": _response(content)}}


def _call_part(call: Json, path: str, family: Family) -> Json:
    told: Json = {"id": call["id"]} if family.has_signatures else {}
    return signed({"functionCall": told | _call(call["function"], f"{path}.function")}, call)


def _call(function: Json, path: str) -> Json:
    text = function["arguments"].strip() or "{}"
    try:
        arguments = orjson.loads(text)
    except ValueError:
        arguments = ""
    if not isinstance(arguments, dict | None):
        # Gemini has no field for text that is no object, and an object of our making would be another call.
        raise InvalidRequest.of(f"{path}.arguments", "must be a JSON object for Gemini models")
    return {"name": function["name"], "args": arguments or {}}


def _response(content: str | list[Json] | None) -> Json:
    """The result as an object, which Gemini's field is.

    An object is passed as itself, as models are used to; anything else is the `output` of Google's reference, as the
    text it is: 1.10 and 007 stay what the tool said.
    """
    texts = [part["text"] for part in content] if isinstance(content, list) else [content or ""]
    if len(texts) != 1:
        return {"output": texts}  # a list, so that no separator is put between texts that had none
    parsed = _object(texts[0])
    return {"output": texts[0]} if parsed is None else parsed


def _object(text: str) -> Json | None:
    """The object a text holds, None if it holds none or if Gemini would not be told the same by it."""
    try:
        value = orjson.loads(text) if text.lstrip().startswith("{") else None
    except ValueError:
        return None
    return value if isinstance(value, dict) and _survives(value, _DEEPEST) else None


def _survives(value: Any, levels: int) -> bool:
    """Whether a value comes through a Struct unchanged, and is not read as something else.

    An object with `$ref` is read as a pointer to another part of the request.
    """
    if isinstance(value, dict):
        return levels > 0 and "$ref" not in value and all(_survives(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_survives(item, levels - 1) for item in value)
    return not isinstance(value, int) or abs(value) <= _EXACT
