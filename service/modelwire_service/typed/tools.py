"""Tools, which of them is called, and formats, as OpenAI's JSON."""

from typing import Any, Final

from modelwire_service.typed.fields import (
    EXTRA,
    Convert,
    Fields,
    extra,
    json_object,
    made,
    object_of,
    one_of,
    put_all,
    same,
    word_of,
)
from modelwire_service.typed.json_texts import Texts
from modelwire_service.typed.words import MODES
from modelwire_service.upstreams.base import Json
from modelwire_service.validation.report import Path

_mode: Final = word_of(MODES)
_FUNCTION: Final[Fields] = {
    "name": same,
    "description": same,
    "parameters_json": made(json_object, "parameters"),
    "strict": same,
    EXTRA: extra(frozenset({"name", "description", "parameters", "strict"})),
}
_TOOL: Final[Fields] = {
    "function": made(object_of(_FUNCTION)),
    EXTRA: extra(frozenset({"type", "function"})),
}
_SCHEMA: Final[Fields] = {
    "name": same,
    "description": same,
    "schema_json": made(json_object, "schema"),
    "strict": same,
}
_format_extra: Final = extra(frozenset({"type", "json_schema"}))

tool: Final[Convert] = object_of(_TOOL, type="function")


def _named(name: str, path: Path, texts: Texts) -> Json:
    return {"type": "function", "function": {"name": name}}


def _allowed(given: Json, path: Path, texts: Texts) -> Json:
    tools = [_named(name, path, texts) for name in given.get("functions", ())]
    allowed: dict[str, Any] = {"tools": tools}
    if "mode" in given:
        allowed["mode"] = _mode(given["mode"], (*path, "mode"), texts)
    return {"type": "allowed_tools", "allowed_tools": allowed}


tool_choice: Final[Convert] = one_of({"mode": _mode, "function": _named, "allowed_tools": _allowed})


def _schema(given: Json, path: Path, texts: Texts) -> Json:
    return {"type": "json_schema", "json_schema": put_all({}, given, path, texts, _SCHEMA)}


_format: Final[Convert] = one_of(
    {
        "text": lambda given, path, texts: {"type": "text"},
        "json_object": lambda given, path, texts: {"type": "json_object"},
        "json_schema": _schema,
    }
)


def response_format(given: Json, path: Path, texts: Texts) -> Json:
    """A ResponseFormat."""
    said: Json = _format(given, path, texts) or {}
    if EXTRA in given:
        _format_extra(said, EXTRA, given[EXTRA], path, texts)
    return said
