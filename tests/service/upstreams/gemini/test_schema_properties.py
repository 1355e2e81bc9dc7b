"""Whatever schema a caller sends: no crash, and for schemas that are well formed, nothing Google's types refuse."""

from contextlib import suppress
from typing import Any

from google.genai import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import family_of
from modelwire_service.upstreams.gemini.json_schema import adapted
from modelwire_service.upstreams.gemini.schema_cleanup import cleaned_up
from modelwire_service.upstreams.gemini.schema_effort import TooLarge
from modelwire_service.upstreams.gemini.schemas import PARAMETERS, schema_member

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = st.sampled_from(["a", "b", "$ref", "type", "c d"])
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])
VALUES = st.sampled_from(["", "x", "y", 0, 1, 2.5, True, False, None])
REFERENCES = st.sampled_from(["#", "#/$defs/a", "#/$defs/b"])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    members: dict[str, st.SearchStrategy[Any]] = {
        "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3)),
        "title": st.just("T"),
        "description": st.just("D"),
        "default": VALUES,
        "enum": st.lists(VALUES, min_size=1, max_size=4),
        "const": VALUES,
        "format": st.sampled_from(["date-time", "email", "int32", "float"]),
        "minimum": st.just(1),
        "maxLength": st.just(9),
        "minItems": st.just(1),
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "required": st.lists(NAMES, max_size=2),
        "additionalProperties": st.one_of(st.booleans(), inner),
        "items": inner,
        "prefixItems": st.lists(inner, min_size=1, max_size=2),
        "anyOf": st.lists(inner, min_size=1, max_size=3),
        "oneOf": st.lists(inner, min_size=1, max_size=2),
        "allOf": st.lists(inner, min_size=1, max_size=2),
        "$ref": REFERENCES,
    }
    return st.fixed_dictionaries({}, optional=members)


SCHEMAS = st.recursive(schemas(st.just({})), schemas, max_leaves=6)
ROOTS = st.builds(lambda schema, a, b: {**schema, "$defs": {"a": a, "b": b}}, SCHEMAS, SCHEMAS, SCHEMAS)
JUNK = st.recursive(
    st.one_of(VALUES, st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "allOf", "enum", "$ref", "required", "$defs", "format"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


@QUICK
@given(ROOTS)
def test_google_takes_what_becomes_of_a_schema(schema: Json) -> None:
    try:
        cleaned = cleaned_up(schema, "p").schema
    except (TooLarge, InvalidRequest):
        return
    types.Schema.model_validate(cleaned)


@QUICK
@given(ROOTS)
def test_adapting_twice_is_adapting_once(schema: Json) -> None:
    once = adapted(schema)
    assert adapted(once) == once


@QUICK
@given(st.dictionaries(st.sampled_from(["type", "properties", "anyOf", "allOf", "$ref", "items"]), JUNK))
def test_junk_is_refused_or_passed_on(schema: Json) -> None:
    for model in ("gemini-2.0-flash", "gemini-2.5-flash"):
        with suppress(InvalidRequest):
            assert len(schema_member(schema, PARAMETERS, family_of(model), "p")) == 1
