"""Unions and intersections of JSON Schemas, written with what Gemini's Schema has: `anyOf` and `nullable`."""

from typing import Any, Final

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.schema_effort import Effort
from modelwire_service.upstreams.gemini.schema_references import References

UNIONS: Final = ("anyOf", "oneOf")  # Gemini reads both as the first
_TOLD_ONCE: Final[tuple[str, ...]] = ("title", "description", "default", "examples")


def intersection(schemas: list[Json], effort: Effort) -> tuple[Json, bool]:
    """One schema in the place of several that all hold, and whether it says all they said."""
    merged: Json = {}
    whole = True
    for schema in schemas:
        for name, member in schema.items():
            if name not in merged:
                merged[name] = member
            elif name == "properties" and isinstance(member, dict) and isinstance(merged[name], dict):
                effort.copy(merged[name])
                merged[name] = _both(merged[name], member)
            elif name == "required" and isinstance(member, list) and isinstance(merged[name], list):
                effort.copy(merged[name])
                merged[name] = _all_of(merged[name], member)
            elif name not in _TOLD_ONCE:
                whole = whole and merged[name] == member
    return merged, whole


def _all_of(names: list[Any], more: list[Any]) -> list[Any]:
    """Names of either list, each once; what is no text is no name."""
    return list(dict.fromkeys(name for name in (*names, *more) if isinstance(name, str)))


def _both(properties: Json, more: Json) -> Json:
    """A property that both have must be as both say."""
    shared = {name: {"allOf": [properties[name], more[name]]} for name in more if name in properties}
    return {**properties, **more, **shared}


def branches(schema: Json, references: References) -> tuple[list[Json], bool]:
    """The alternatives of a schema with a union, each with all that holds beside it, and whether null is one."""
    union = next(name for name in UNIONS if isinstance(schema.get(name), list))
    beside = {name: member for name, member in schema.items() if name != union}
    for _ in schema[union]:
        references.effort.copy(beside)
    alternatives = [branch for branch in schema[union] if not _is_null(references.resolved(branch)[0])]
    return [_within(beside, branch) for branch in alternatives], len(alternatives) < len(schema[union])


def _within(beside: Json, branch: Any) -> Json:
    """A branch with what stood beside the union: Gemini takes nothing beside anyOf."""
    if not isinstance(branch, dict):
        return beside
    outer = {name: member for name, member in beside.items() if name not in _TOLD_ONCE or name not in branch}
    if not outer or set(outer) <= set(_TOLD_ONCE):
        return {**outer, **branch}
    told = {name: outer.pop(name) for name in _TOLD_ONCE if name in outer}
    return {**told, "allOf": [branch, outer]}


def _is_null(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    return (
        schema.get("type") == "null" or schema.get("enum") == [None] or ("const" in schema and schema["const"] is None)
    )
