"""JSON Schema for the fields that take it: as it came, but for the few things they do not read.

Gemini reads a subset in which a node with `$ref` has no other member, there is no `const`, and definitions are in
`$defs`. Objects get a `propertyOrdering`, for the reason `schema_cleanup` has.
"""

from typing import Any, Final

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.schema_cleanup import ordering

_OF_SCHEMAS: Final = ("properties", "$defs", "definitions", "patternProperties")
_LISTS_OF_SCHEMAS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS: Final = ("items", "additionalProperties")
_OLD: Final = "#/definitions/"


def adapted(schema: Any) -> Any:
    """The schema as Gemini reads it, in the order it came in."""
    if not isinstance(schema, dict):
        return schema
    node = {name: _member(name, member) for name, member in schema.items() if name != "$schema"}
    if isinstance(node.get("definitions"), dict) and isinstance(node.get("$defs", {}), dict):
        node["$defs"] = {**node.get("$defs", {}), **node.pop("definitions")}
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if "anyOf" not in node and isinstance(parts := node.get("allOf"), list) and len(parts) == 1:
        node["anyOf"] = node.pop("allOf")  # how some write a reference with a description
    if isinstance(node.get("properties"), dict) and node["properties"]:
        node["propertyOrdering"] = ordering(node)
    return _alone(node)


def _alone(node: Json) -> Json:
    """A reference by itself, what stood beside it around it."""
    if "$ref" not in node or all(name.startswith("$") for name in node):
        return node
    reference = {"$ref": node.pop("$ref")}
    return {**node, "anyOf": [reference]} if "anyOf" not in node else node | {"allOf": [reference]}


def _member(name: str, member: Any) -> Any:
    if name in _OF_SCHEMAS and isinstance(member, dict):
        return {key: adapted(value) for key, value in member.items()}
    if name in _LISTS_OF_SCHEMAS and isinstance(member, list):
        return [adapted(value) for value in member]
    if name == "$ref" and isinstance(member, str) and member.startswith(_OLD):
        return "#/$defs/" + member.removeprefix(_OLD)
    return adapted(member) if name in _SCHEMAS else member
