"""HTTP headers to gRPC metadata and back, and the deadline.

Metadata may hold printable ASCII alone; a header with anything else is dropped rather than mended.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Final

from modelwire_gateway.backends.base import Metadata
from modelwire_gateway.client_address import FORWARDED_FOR
from modelwire_gateway.errors import failure
from modelwire_gateway.fresh_ids import fresh_id
from modelwire_gateway.metadata_keys import REQUEST_ID as REQUEST_ID
from modelwire_gateway.metadata_keys import may_name_metadata
from modelwire_gateway.remembered import Remembered

METADATA_PREFIX: Final = "grpc-metadata-"
TRAILER_PREFIX: Final = "grpc-trailer-"
FORWARDED_HEADERS: Final = frozenset({"authorization", "x-goog-api-key", "traceparent", "tracestate"})

Headers = Sequence[tuple[bytes, bytes]]

_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
_REMEMBERED: Final = 256
_SERVERS_OWN: Final = frozenset({"date", "server"})
_HEADER_NAMES: Final[Remembered[bytes, str]] = Remembered(lambda name: name.decode("latin-1").lower())
_SECONDS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def decoded_headers(headers: Headers) -> dict[str, str]:
    """Headers by lower-case name; the values of a repeated one are joined with a comma (RFC 9110, 5.3)."""
    decoded: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = _HEADER_NAMES[raw_name], raw_value.decode("latin-1").strip()
        decoded[name] = f"{decoded[name]}, {value}" if name in decoded else value
    return decoded


def request_id(headers: Mapping[str, str]) -> str:
    """The caller's own id where it sent a usable one, else a fresh one."""
    given = headers.get(REQUEST_ID)
    return given if given and _REQUEST_ID.fullmatch(given) else f"req_{fresh_id()}"


def request_metadata(headers: Mapping[str, str], forwarded: frozenset[str]) -> list[tuple[str, str | bytes]]:
    """The metadata of a call: the `forwarded` headers by their own names, `Grpc-Metadata-X` as `x`.

    A forwarded header goes before a `Grpc-Metadata-` of the same name: a service sees one credential. From where a
    call came (`x-forwarded-for`) is not for callers to say. Raises INVALID_ARGUMENT for a binary value (`…-bin`) that
    is not base64.
    """
    metadata: list[tuple[str, str | bytes]] = []
    keys = _metadata_keys(forwarded)
    for name, value in headers.items():
        key = keys[name]
        if not key or (key != name and key in forwarded and key in headers):
            continue
        if key.endswith("-bin"):
            metadata.extend((key, _binary(key, part.strip())) for part in value.split(","))
        elif value.isascii() and value.isprintable():
            metadata.append((key, value))
    return metadata


def timeout_seconds(headers: Mapping[str, str]) -> float | None:
    """The caller's deadline in seconds, from `Grpc-Timeout` (a number of up to 8 digits and a unit of HMSmun).

    Raises INVALID_ARGUMENT for anything else, and DEADLINE_EXCEEDED for no time at all.
    """
    if (given := headers.get("grpc-timeout")) is None:
        return None
    if (match := _TIMEOUT.fullmatch(given)) is None:
        raise failure("INVALID_ARGUMENT", "must be up to 8 digits and one of H, M, S, m, u, n", field="Grpc-Timeout")
    if not (number := int(match[1])):
        raise failure("DEADLINE_EXCEEDED", "the call has no time to run", field="Grpc-Timeout")
    return number * _SECONDS[match[2]]


def response_headers(
    metadata: Metadata, prefix: str = METADATA_PREFIX, exposed: frozenset[str] = frozenset()
) -> list[tuple[bytes, bytes]]:
    """Headers that show a call's metadata, each under `prefix`, those in `exposed` under their own names.

    gRPC's own and HTTP's are left out, listed or not. What the HTTP server says itself keeps the prefix.
    """
    names = _shown_names(prefix, exposed)
    return [
        (name, text.encode())
        for key, value in metadata
        if (name := names[key])
        and (text := value if isinstance(value, str) else base64.b64encode(value).decode()).isascii()
        and text.isprintable()
    ]


@lru_cache(_REMEMBERED)
def _shown_names(prefix: str, exposed: frozenset[str]) -> Remembered[str, bytes | None]:
    return Remembered(partial(_shown_name, prefix, exposed))


def _shown_name(prefix: str, exposed: frozenset[str], key: str) -> bytes | None:
    """The header that shows metadata of that key; None if none does."""
    if not may_name_metadata(key):
        return None
    return (key if key in exposed and key not in _SERVERS_OWN else f"{prefix}{key}").encode()


@lru_cache(_REMEMBERED)
def _metadata_keys(forwarded: frozenset[str]) -> Remembered[str, str]:
    return Remembered(partial(_metadata_key, forwarded))


def _metadata_key(forwarded: frozenset[str], name: str) -> str:
    """The metadata key of a header; empty where it goes no further."""
    key = name
    if name not in forwarded:
        key = name.removeprefix(METADATA_PREFIX)
        if key in (name, FORWARDED_FOR):
            return ""
    return key if may_name_metadata(key) else ""


def _binary(key: str, text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise failure("INVALID_ARGUMENT", "must be base64", field=f"Grpc-Metadata-{key}") from None
