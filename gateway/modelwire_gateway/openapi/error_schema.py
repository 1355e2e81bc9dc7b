"""The schema of error bodies, as `modelwire_gateway.errors` writes them."""

from collections.abc import Mapping
from typing import Final

from modelwire_gateway.errors import STATUS_TABLE
from modelwire_gateway.openapi.scalars import Schema
from modelwire_gateway.options import GatewayOptions

_FAILURES: Final = [row for row in STATUS_TABLE if row.code]
_CODE: Final = "The canonical code (google/rpc/code.proto)."
_MESSAGE: Final[Schema] = {"type": "string", "description": "What went wrong, for people."}
_DETAILS: Final[Schema] = {
    "type": "array",
    "description": "More about it, for programs: messages of google/rpc/error_details.proto, each with its type.",
    "items": {"type": "object", "properties": {"@type": {"type": "string"}}, "additionalProperties": True},
}


def error_schema(options: GatewayOptions) -> Schema:
    """The schema of the body of every error answer."""
    return _status() if options.error_body == "status" else _object({"error": _openai()})


def _openai() -> Schema:
    members: dict[str, Schema] = {
        "code": {"type": "integer", "description": "The HTTP status."},
        "status": {"type": "string", "description": _CODE, "enum": [row.name for row in _FAILURES]},
        "message": _MESSAGE,
        "type": {"type": "string", "enum": sorted({row.error_type for row in _FAILURES})},
        "param": {"type": ["string", "null"], "description": "The field at fault, if it is one."},
        "details": _DETAILS,
    }
    return _object(members)


def _status() -> Schema:
    """A google.rpc.Status."""
    return _object({"code": {"type": "integer", "description": _CODE}, "message": _MESSAGE, "details": _DETAILS})


def _object(members: Mapping[str, Schema]) -> Schema:
    """An object that has all these members and no others."""
    return {"type": "object", "properties": dict(members), "required": list(members), "additionalProperties": False}
