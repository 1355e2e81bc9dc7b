"""What may be chosen about a gateway."""

from dataclasses import dataclass
from typing import Final, Literal

from modelwire_gateway.metadata import FORWARDED_HEADERS

OPERATIONAL_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""Paths that serve whoever runs the gateway: is it alive, can it take calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """The choices of one gateway."""

    max_request_bytes: int = 32 * 1024 * 1024
    """The longest request body taken, in bytes; a longer one is answered with 413."""

    forwarded_headers: frozenset[str] = FORWARDED_HEADERS
    """The headers, in lower case, that become metadata under their own names."""

    log_calls: bool = False
    """Whether each answer is a log line; for a gateway whose service logs its calls elsewhere."""

    reserved_paths: frozenset[str] = OPERATIONAL_PATHS
    """Paths that are answered before the routes are looked at, and that no rule may bind."""

    unknown_query: Literal["refuse", "ignore"] = "refuse"
    """What becomes of a query key that names no field of the request: a 400, or nothing."""
