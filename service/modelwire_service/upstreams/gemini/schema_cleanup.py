"""JSON Schema into Gemini's Schema, the part of OpenAPI 3.0 that every model of the API reads.

Theory of operation. The API answers 400 to any keyword it does not know, so a node is written anew from what it
does know, by its type. References are inlined, `allOf` merged, `const` is an enum of one, null among types or
alternatives is `nullable`. What only describes (`$schema`, `examples`, `deprecated` …) goes. `propertyOrdering` has the
order of the properties: Google's maps have none, and a model writes its answer in the order of its schema.

What cannot be said goes into the description where that helps, and is marked as a loss: models that read JSON Schema
itself are sent that instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.schema_effort import Effort, TooLarge
from modelwire_service.upstreams.gemini.schema_references import References
from modelwire_service.upstreams.gemini.schema_unions import UNIONS, branches, intersection

MAX_NODES: Final = 5_000
"""References to references double a schema at each step; nobody means more than this."""
MAX_DEPTH: Final = 64

_TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")
_ABOUT: Final = ("title", "description", "default", "example", "nullable")
_BY_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum"),
    "integer": ("minimum", "maximum"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_FORMATS: Final = {"string": ("enum", "date-time"), "number": ("float", "double"), "integer": ("int32", "int64")}
_SIGNS: Final = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("pattern", "minLength", "maxLength"),
    "number": ("minimum", "maximum"),
}
_ANYTHING: Final = "string"  # any JSON can be written as text; an object without properties can only be empty


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A schema in Gemini's words. `whole` tells that it says all that JSON Schema could tell Gemini."""

    schema: Json
    whole: bool


def cleaned_up(schema: Json, path: str) -> Cleaned:
    """The schema as Gemini's. Raises InvalidRequest for `path` if a reference leads nowhere.

    Raises TooLarge for over MAX_NODES nodes, over MAX_DEPTH levels, or more text than `Effort` allows.
    """
    cleaner = _Cleaner(References(schema, path, Effort(len(orjson.dumps(schema)))))
    return Cleaned(cleaner.node(schema, ()), cleaner.whole)


class _Cleaner:
    def __init__(self, references: References) -> None:
        self._references = references
        self._nodes = 0
        self._depth = 0
        self.whole = True

    def node(self, schema: Any, within: tuple[str, ...]) -> Json:
        """A node in Gemini's words; `within` are the references on the way to it."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooLarge
        return self._resolved_node(*self._references.resolved(schema), within)

    def _resolved_node(self, schema: Any, followed: tuple[str, ...], within: tuple[str, ...]) -> Json:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooLarge
        node = self._written(schema, within, followed)
        self._depth -= 1
        return node

    def _written(self, schema: Any, within: tuple[str, ...], followed: tuple[str, ...]) -> Json:
        if any(reference in within for reference in followed):
            self.whole = False
            return {"type": "OBJECT"}
        # No object is true, which is anything, or false, which cannot be said.
        told = schema if isinstance(schema, dict) else {}
        node = {name: member for name, member in told.items() if member is not None or name == "const"}
        within = (*within, *followed)
        if isinstance(parts := node.pop("allOf", None), list):
            return self._merged([node, *parts], within)
        if any(isinstance(node.get(union), list) for union in UNIONS):
            return self._union(*branches(node, self._references), within)
        if "const" in node:
            node["enum"] = [node.pop("const")]
        types = self._types(node)
        if "null" in types and len(types) > 1:
            types = [name for name in types if name != "null"]
            node["nullable"] = True
        if len(types) > 1:
            return self._union([_of_type(node, name) for name in types], False, within)
        return self._typed(node, types[0], within)

    def _merged(self, schemas: list[Any], within: tuple[str, ...]) -> Json:
        resolved = [self._references.resolved(schema) for schema in schemas]
        merged, whole = intersection([each for each, _ in resolved if isinstance(each, dict)], self._references.effort)
        self.whole = self.whole and whole
        return self._resolved_node(merged, tuple(reference for _, chain in resolved for reference in chain), within)

    def _union(self, alternatives: list[Json], nullable: bool, within: tuple[str, ...]) -> Json:
        found = [self.node(alternative, within) for alternative in alternatives]
        nodes = [inner for node in found for inner in node.get("anyOf", [node])]
        if nullable:
            nodes = [node | {"nullable": True} for node in nodes]
        if not nodes:
            return {"type": "NULL"}
        return nodes[0] if len(nodes) == 1 else {"anyOf": nodes}

    def _types(self, schema: Json) -> list[str]:
        """The types a node may have, at least one, each once."""
        told = schema.get("type")
        names = dict.fromkeys(str(name).lower() for name in (told if isinstance(told, list) else [told]))
        if known := [name for name in names if name in _TYPES]:
            return known
        if inferred := _inferred(schema):
            return inferred
        self.whole = False
        return [_ANYTHING]

    def _typed(self, schema: Json, kind: str, within: tuple[str, ...]) -> Json:
        kept = {name: schema[name] for name in (*_ABOUT, *_BY_TYPE.get(kind, ())) if name in schema}
        for told in kept.values():
            self._references.effort.spend(_size(told))
        node = {"type": kind.upper(), **kept}
        if isinstance(schema.get("enum"), list):
            self._enumerate(node, schema["enum"])
        if (form := schema.get("format")) in _FORMATS.get(kind, ()):
            node["format"] = form
        elif form is not None:
            _note(node, f"format: {form}")
        if kind == "array":
            node["items"] = self._items(schema, within)
        elif kind == "object":
            self._describe_object(node, schema, within)
        return node

    def _enumerate(self, node: Json, values: list[Any]) -> None:
        """Gemini has enums of texts alone, none empty. Numbers stay numbers, and which of them is told in words."""
        self._references.effort.spend(_size(values))
        if None in values:
            node["nullable"] = True
        values = [value for value in values if value is not None]
        if node["type"] == "STRING" and (texts := [value for value in values if isinstance(value, str) and value]):
            node["enum"] = texts
            self.whole = self.whole and texts == values
        elif values:
            self.whole = False
            _note(node, f"one of: {', '.join(orjson.dumps(value).decode() for value in values)}")

    def _items(self, schema: Json, within: tuple[str, ...]) -> Json:
        if isinstance(first := schema.get("prefixItems"), list) and first:
            self.whole = False
            return self._union(first, False, within)
        return self.node(schema.get("items", {}), within)

    def _describe_object(self, node: Json, schema: Json, within: tuple[str, ...]) -> None:
        if schema.get("additionalProperties", False) is not False or schema.get("patternProperties"):
            self.whole = False
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            return
        node["properties"] = {name: self.node(member, within) for name, member in properties.items()}
        node["propertyOrdering"] = ordering(schema)
        required = schema.get("required")
        if isinstance(required, list) and (known := _known(required, properties)):
            node["required"] = known


def ordering(schema: Json) -> list[str]:
    """The order of an object's properties: those it tells the order of, then the others as they stand."""
    told, properties = schema.get("propertyOrdering"), schema["properties"]
    first = _known(told, properties) if isinstance(told, list) else []
    return list(dict.fromkeys([*first, *properties]))


def _known(names: list[Any], properties: Json) -> list[str]:
    """Those of the names that properties have, each once; nobody has checked that they are names at all."""
    return [name for name in dict.fromkeys(filter(_is_text, names)) if name in properties]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _size(value: Any) -> int:
    """About how many bytes a value takes, wherever it is copied to."""
    return len(value) if isinstance(value, str) else len(orjson.dumps(value)) if isinstance(value, list | dict) else 8


def _of_type(schema: Json, kind: str) -> Json:
    """One of the types of a node that has several, with those of its values that are of it."""
    if not isinstance(values := schema.get("enum"), list):
        return {**schema, "type": kind}
    return {**schema, "type": kind, "enum": [value for value in values if _type_of(value) in (kind, "null")]}


def _note(node: Json, note: str) -> None:
    node["description"] = f"{node['description']} ({note})" if node.get("description") else note


def _inferred(schema: Json) -> list[str]:
    """The types of a node that does not tell any, by its values or its other members."""
    values = schema.get("enum")
    if isinstance(values, list) and values:
        return list(dict.fromkeys(_type_of(value) for value in values))
    return [kind for kind, signs in _SIGNS.items() if any(sign in schema for sign in signs)][:1]


def _type_of(value: Any) -> str:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")
