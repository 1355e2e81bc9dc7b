"""The format of the response."""

from typing import Any, Final

from modelwire_service.validation.checks import REQUIRED, boolean, mapping, matching, one_of, shape, text
from modelwire_service.validation.report import Path, Report

ALIASES: Final = {"jsonSchema": "json_schema"}
"""Google's reference documents the alias; upstreams know the other."""

_schema_name: Final = matching(r"[A-Za-z0-9_-]{1,64}", "must be 1 to 64 letters, digits, '_' or '-'")
_json_schema: Final = shape({"name": _schema_name}, {"description": text, "strict": boolean, "schema": mapping})
_kind: Final = one_of("text", "json_object", "json_schema")


def check_response_format(value: Any, path: Path, report: Report) -> None:
    _members(value, path, report)
    if not isinstance(value, dict) or _canonical(value.get("type")) != "json_schema":
        return
    if (schema := value.get("json_schema")) is None:
        report.add((*path, "json_schema"), REQUIRED)
    else:
        _json_schema(schema, (*path, "json_schema"), report)


def _check_kind(value: Any, path: Path, report: Report) -> None:
    _kind(_canonical(value), path, report)


_members: Final = shape({"type": _check_kind})


def _canonical(kind: Any) -> Any:
    return ALIASES.get(kind, kind) if isinstance(kind, str) else kind


def canonical_format(value: dict[str, Any]) -> dict[str, Any]:
    """A valid format as upstreams read it: null members dropped, the type's alias replaced."""
    given = {name: member for name, member in value.items() if member is not None}
    return {**given, "type": _canonical(given["type"])}
