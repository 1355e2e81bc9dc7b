"""Media types, and what the headers that name kinds of content have in common (RFC 9110, 8.3.1 and 12.4.2)."""

import re
from typing import Final

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
EVENT_STREAM: Final = "text/event-stream"
LINES: Final = frozenset({NDJSON, "application/ndjson", "application/jsonl"})
"""Every name of JSON values, one a line."""
RECORDS: Final = "application/json-seq"
"""JSON values, each behind a record separator (RFC 7464)."""

_WEIGHT: Final = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def media_type(content_type: str) -> str:
    """The media type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def weighed(choices: str) -> dict[str, float]:
    """The choices of an Accept… header, in lower case, with their weights; 0 for one that cannot be read."""
    return dict(_weighed(choice) for choice in choices.lower().split(","))


def _weighed(choice: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in choice.split(";"))
    weights = [parameter for parameter in parameters if parameter.startswith("q=")]
    match = _WEIGHT.fullmatch(weights[-1]) if weights else None
    return name, (float(match[1]) if match else 0.0) if weights else 1.0
