"""Query strings, and the parameters in them that are Google's own and belong to no method.

https://cloud.google.com/apis/docs/system-parameters lists those. Their names are reserved, with `$` in front
or without: a credential sent as `key` never reaches a field of a request that happens to be called so.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from modelwire_gateway.backends.base import Metadata
from modelwire_gateway.errors import failure

MAX_PARAMETERS: Final = 1_000
"""Reading more would hold up other requests."""

_MALFORMED: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
_NAMES: Final = ("alt", "callback", "fields", "key", "prettyPrint", "quotaUser")
_SYSTEM: Final = {spelling: name for name in _NAMES for spelling in (name, f"${name}")}
_UNSUPPORTED: Final = ("callback", "fields")
_ALT: Final = ("json", "sse")
_BOOLEANS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class SystemParameters:
    """What a caller asked for beside the request itself. `quotaUser` is taken and means nothing here."""

    alt: str | None = None
    """`json` or `sse`: how a stream is to be written."""
    pretty_print: bool = False
    key: str | None = None
    """An API key: a credential."""

    def metadata(self) -> Metadata:
        """What the service needs to see of them."""
        return [("x-goog-api-key", self.key)] if self.key is not None else []


@dataclass(frozen=True, slots=True)
class Query:
    """A query string, read."""

    parameters: SystemParameters = SystemParameters()
    fields: tuple[tuple[str, str], ...] = ()
    """The keys and values that are no system parameters, in their order, decoded."""


_NO_QUERY: Final = Query()


def read_query(query: bytes) -> Query:
    """Reads an undecoded query string; `+` is a space, a key without `=` has the value "".

    Raises RpcFailure INVALID_ARGUMENT for more than MAX_PARAMETERS, a malformed percent-encoding, what is not UTF-8,
    and system parameters that are not served.
    """
    if not query:
        return _NO_QUERY
    given: dict[str, str] = {}
    fields = []
    for key, value in _pairs(query):
        name = _SYSTEM.get(key)
        if name is None:
            fields.append((key, value))
        elif name in given:
            raise failure("INVALID_ARGUMENT", "is given more than once", field=key)
        elif name in _UNSUPPORTED:
            raise failure("INVALID_ARGUMENT", "is a system parameter that is not supported", field=key)
        else:
            given[name] = value
    return Query(SystemParameters(_alt(given), _pretty_print(given), _key(given)), tuple(fields))


def is_reserved(key: str) -> bool:
    """Whether a query key is a system parameter, and so names no field."""
    return key in _SYSTEM


def _pairs(query: bytes) -> list[tuple[str, str]]:
    if query.count(b"&") >= MAX_PARAMETERS:
        raise failure("INVALID_ARGUMENT", f"the query has more than {MAX_PARAMETERS} parameters")
    pairs = (piece.partition(b"=") for piece in query.split(b"&") if piece)
    return [(_decoded(key, key), _decoded(value, key)) for key, _, value in pairs]


def _decoded(text: bytes, key: bytes) -> str:
    try:
        if b"%" not in text and b"+" not in text:
            return text.decode("utf-8")
        if _MALFORMED.search(text):
            raise failure("INVALID_ARGUMENT", "the query has a malformed percent-encoding", field=_shown(key))
        return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise failure("INVALID_ARGUMENT", "the query is not UTF-8", field=_shown(key)) from None


def _shown(key: bytes) -> str:
    """A key as it came, to be named in a message."""
    return key.decode("ascii", "backslashreplace")


def _alt(given: dict[str, str]) -> str | None:
    alt = given.get("alt")
    if alt is not None and alt not in _ALT:
        raise failure("INVALID_ARGUMENT", f"must be one of {', '.join(_ALT)}", field="alt")
    return alt


def _pretty_print(given: dict[str, str]) -> bool:
    text = given.get("prettyPrint", "false")
    if text not in _BOOLEANS:
        raise failure("INVALID_ARGUMENT", "must be true or false", field="prettyPrint")
    return _BOOLEANS[text]


def _key(given: dict[str, str]) -> str | None:
    key = given.get("key")
    if key is not None and not _PRINTABLE.fullmatch(key):
        raise failure("INVALID_ARGUMENT", "must be printable ASCII", field="key")
    return key
