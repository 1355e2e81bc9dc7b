"""A caller's JSON Schema, in one of the two fields Gemini has for it.

The field that takes OpenAPI's Schema is read by every model, and its content is checked word by word; the one that
takes JSON Schema is read by newer ones, and says more: maps, recursion, tuples, enums of numbers. So the first is used
wherever it says all there is, and the second where it would lose something and the model reads it.

Rewriting takes about ten microseconds a property, and agents send the same tools with each call, so what was made
is kept for a while.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import Family
from modelwire_service.upstreams.gemini.json_schema import adapted
from modelwire_service.upstreams.gemini.schema_cleanup import cleaned_up
from modelwire_service.upstreams.gemini.schema_effort import TooLarge

_MOST_KEPT: Final = 256
_LARGEST_KEPT: Final = 16 << 10  # bytes of a schema as JSON; what is made of it is some times as large


class Fields(NamedTuple):
    """The names of the two fields."""

    plain: str
    json: str


PARAMETERS: Final = Fields("parameters", "parametersJsonSchema")
RESPONSE: Final = Fields("responseSchema", "responseJsonSchema")


def schema_member(schema: Json, fields: Fields, family: Family, path: str) -> Json:
    """The one member that holds the schema; others may hold it too, so it is not to be changed.

    Raises InvalidRequest for `path` if no field of the model can hold it.
    """
    try:
        written = orjson.dumps(schema)
    except TypeError:
        raise InvalidRequest.of(path, "cannot be written as JSON") from None
    if len(written) > _LARGEST_KEPT:
        return _made(schema, fields, family.reads_json_schema, path)
    return _kept(written, fields, family.reads_json_schema, path)


@lru_cache(maxsize=_MOST_KEPT)
def _kept(written: bytes, fields: Fields, reads_json_schema: bool, path: str) -> Json:
    return _made(orjson.loads(written), fields, reads_json_schema, path)


def _made(schema: Json, fields: Fields, reads_json_schema: bool, path: str) -> Json:
    try:
        cleaned = cleaned_up(schema, path)
    except TooLarge:
        if not reads_json_schema:
            raise InvalidRequest.of(path, "is too large or too deep with its references resolved") from None
        return {fields.json: adapted(schema)}
    if cleaned.whole or not reads_json_schema:
        return {fields.plain: cleaned.schema}
    return {fields.json: adapted(schema)}
