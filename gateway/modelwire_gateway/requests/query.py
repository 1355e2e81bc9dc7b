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


_NOTHING_ASKED: Final = SystemParameters()


def system_parameters(query: bytes) -> SystemParameters:
    """The system parameters of a query string; raises RpcFailure INVALID_ARGUMENT for what is not served."""
    if not query:
        return _NOTHING_ASKED
    given: dict[str, str] = {}
    for key, value in _query_pairs(query):
        name = _SYSTEM.get(key)
        if name in given:
            raise failure("INVALID_ARGUMENT", "is given more than once", field=key)
        if name in _UNSUPPORTED:
            raise failure("INVALID_ARGUMENT", "is a system parameter that is not supported", field=key)
        if name:
            given[name] = value
    return SystemParameters(_alt(given), _pretty_print(given), _key(given))


def query_fields(query: bytes) -> list[tuple[str, str]]:
    """The keys and values of a query string that are no system parameters, in their order, decoded."""
    return [(key, value) for key, value in _query_pairs(query) if key not in _SYSTEM] if query else []


def _query_pairs(query: bytes) -> list[tuple[str, str]]:
    """The keys and values of a query string, in their order; `+` is a space, a key without `=` has the value "".

    Raises RpcFailure INVALID_ARGUMENT for a malformed percent-encoding and for what is not UTF-8.
    """
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
