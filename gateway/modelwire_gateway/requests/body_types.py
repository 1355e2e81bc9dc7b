"""What the Content-Type of a request says about its body."""

from functools import lru_cache
from typing import Final

from modelwire_gateway.content_types import JSON, LINES, NDJSON, RECORDS
from modelwire_gateway.requests.json_sequence import Cutter, JsonRecords, JsonSequence
from modelwire_gateway.requests.refusals import wrong_content_type

_CHARSETS: Final = ("utf-8", "utf8")
_SEPARATORS: Final = {**dict.fromkeys(LINES, b"\n"), RECORDS: b"\x1e"}
"""What keeps the values of a stream apart, by its media type."""


@lru_cache(maxsize=64)
def body_type(content_type: str | None) -> str:
    """The media type of a body in UTF-8, in lower case: `JSON` for all its kinds, and where none is told.

    Empty for a body in another encoding.
    """
    if content_type is None:
        return JSON
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = (part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset="))
    if not all(charset in _CHARSETS for charset in charsets):
        return ""
    return JSON if kind.endswith("+json") else kind


def cutter_for(content_type: str | None) -> Cutter:
    """What cuts a body of this type into its JSON values; raises RpcFailure as 415 for other types."""
    kind = body_type(content_type)
    if kind == JSON:
        return JsonSequence()
    if (separator := _SEPARATORS.get(kind)) is None:
        raise wrong_content_type(f"{JSON} or {NDJSON}", content_type)
    return JsonRecords(separator)
