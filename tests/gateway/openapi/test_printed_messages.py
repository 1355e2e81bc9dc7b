"""Schemas against the codec: what keeps them is read, and what is printed keeps them."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from modelwire_gateway.json_codec import Codecs, JsonError, JsonOptions
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.sources.descriptors import services_in_image
from support.openapi import Json, check, document_of, takes

NAMES = ("Scalars", "Optionals", "Lists", "Maps", "Choice", "WellKnown", "Tree", "Open")
OPTIONS = (
    JsonOptions(),
    JsonOptions(print_zero_values=True),
    JsonOptions(proto_field_names=True, unknown_fields="ignore"),
)
RANGES = {"int32": 2**31 - 1, "uint32": 2**32 - 1, "int64": 2**63 - 1, "uint64": 2**64 - 1}
TEXTS = {"byte": ("", "/+8="), "date-time": ("2024-05-01T12:00:00.5Z",), "int64": ("0", "-5"), "uint64": ("7",)}
ODD: tuple[Any, ...] = (True, 0, -1, 1.5, "", "x", "1", "1.5s", [], [0], ["x"], [None], {}, {"x": 1}, {"1": "x"})
NOT_FOR_SCHEMAS = ("must be a base64 string", "must be a time such as", "must name a type", "is not known here")
"""What no keyword of JSON Schema can say."""


@pytest.fixture(scope="module")
def image(compile_image: Callable[[str], bytes]) -> bytes:
    rpcs = (
        f"rpc {name}(everything.{name}) returns (everything.{name}) "
        f'{{ option (google.api.http) = {{ post: "/{name}" body: "*" }}; }}'
        for name in NAMES
    )
    return compile_image(f"service S {{ {' '.join(rpcs)} }}")


class Typed:
    """A message type: its codec, and its schema in the document of a gateway with some options."""

    def __init__(self, image: bytes, name: str, options: JsonOptions) -> None:
        (service,) = services_in_image(image)
        self.codec = Codecs(options).message(service.methods_by_name[name].input_type)
        self.document = document_of(image, GatewayOptions(json=options))
        operation = self.document["paths"][f"/{name}"]["post"]
        self.request: Json = operation["requestBody"]["content"]["application/json"]["schema"]
        self.answer: Json = operation["responses"]["200"]["content"]["application/json"]["schema"]

    def refusal(self, value: Any) -> str:
        try:
            self.codec.encode(value)
        except JsonError as error:
            return str(error)
        return ""


@pytest.fixture(params=OPTIONS, ids=["default", "zeros", "proto-names"])
def options(request: pytest.FixtureRequest) -> JsonOptions:
    chosen: JsonOptions = request.param
    return chosen


@pytest.mark.parametrize("name", NAMES)
def test_values_made_from_a_schema_are_read_and_printed_by_it(image: bytes, name: str, options: JsonOptions) -> None:
    typed = Typed(image, name, options)
    chance = random.Random(name)
    printed = []
    for _ in range(60):
        value = made(typed.document, typed.request, chance, depth=4)
        check(typed.document, typed.request, value)
        if "cannot stand beside" in typed.refusal(value):  # members of a oneof
            continue
        printed.append(typed.codec.decode(typed.codec.encode(value)))
        check(typed.document, typed.answer, printed[-1])
    assert len(printed) > 20


@pytest.mark.parametrize("name", NAMES)
def test_odd_values_that_keep_a_schema_are_read(image: bytes, name: str, options: JsonOptions) -> None:
    typed = Typed(image, name, options)
    properties = [*typed.document["components"]["schemas"][f"everything.{name}"]["properties"], "x"]
    odd = [{member: value} for member in properties for value in ODD]
    kept = [value for value in odd if takes(typed.document, typed.request, value)]
    refusals = {str(value): typed.refusal(value) for value in kept}
    assert kept
    assert {value: told for value, told in refusals.items() if told and not told.endswith(NOT_FOR_SCHEMAS)} == {}


def made(document: Json, schema: Json, chance: random.Random, depth: int) -> Any:
    """A value that keeps a schema; null and empty objects and lists where it would be too deep."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return made(document, document["components"]["schemas"][name], chance, depth)
    kind = schema.get("type", "null" if depth < 1 else chance.choice(["null", "boolean", "string", "object", "array"]))
    kind = chance.choice(kind) if isinstance(kind, list) else kind
    if kind == "object":
        return _object(document, schema, chance, depth)
    if kind == "array":
        return [
            made(document, schema.get("items", {}), chance, depth - 1) for _ in range(chance.randrange(3) * (depth > 0))
        ]
    return _scalar(kind, schema, chance)


def _object(document: Json, schema: Json, chance: random.Random, depth: int) -> Json:
    if depth < 1:
        return {}
    properties = schema.get("properties", {})
    if "@type" in properties:
        return {}
    chosen = [name for name in properties if chance.random() < 0.3]
    value = {name: made(document, properties[name], chance, depth - 1) for name in chosen}
    if more := schema.get("additionalProperties", True):
        names = schema.get("propertyNames", {})
        name = chance.choice(names.get("enum", ["1"] if names else ["é", "more"]))
        value[name] = made(document, {} if more is True else more, chance, depth - 1)
    return value


def _scalar(kind: str, schema: Json, chance: random.Random) -> Any:
    if kind == "null":
        return None
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "integer":
        return chance.choice([0, RANGES[schema["format"]], schema.get("minimum", -1)])
    if kind == "number":
        return chance.choice([0, 5, -1.5, 3e38])
    if "examples" in schema:
        return chance.choice(schema["examples"])
    return chance.choice(schema.get("enum") or TEXTS.get(schema.get("format", ""), ("", "é")))
