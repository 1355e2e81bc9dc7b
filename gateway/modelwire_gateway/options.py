"""What may be chosen about a gateway, where transcoders differ or taste decides."""

from dataclasses import dataclass, field
from typing import Final, Literal

from modelwire_gateway.client_address import NO_PROXIES, TrustedProxies
from modelwire_gateway.json_codec import JsonOptions as JsonOptions
from modelwire_gateway.metadata import FORWARDED_HEADERS

OPERATIONAL_PATHS: Final = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""Paths that serve whoever runs the gateway: is it alive, can it take calls, what does it serve."""

MAX_REQUEST_BYTES: Final = 32 * 1024 * 1024
"""The longest request message that is taken, in bytes, if nothing else is said."""
MAX_BYTES_IN_FLIGHT: Final = 16 * MAX_REQUEST_BYTES
KEEP_ALIVE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """The choices of one gateway."""

    max_request_bytes: int = MAX_REQUEST_BYTES
    """The longest request message taken, in bytes, and the longest body where that is one message; a longer one is
    answered with 413."""

    max_bytes_in_flight: int = MAX_BYTES_IN_FLIGHT
    """The most that is held of request bodies at once, in bytes; a body beyond it is answered with 503."""

    keep_alive_seconds: float = KEEP_ALIVE_SECONDS
    """How long an event stream may be silent, once it has begun, before a comment is written on it."""

    trusted_proxies: TrustedProxies = NO_PROXIES
    """The proxies in front whose X-Forwarded-For is believed; services get the client's address under that name."""

    forwarded_headers: frozenset[str] = FORWARDED_HEADERS
    """The headers that become metadata under their own names."""

    exposed_metadata: frozenset[str] = frozenset()
    """The keys of a call's initial metadata, and of a failed one's trailing metadata, that become headers under their
    own names, not behind `Grpc-Metadata-`."""

    json: JsonOptions = field(default_factory=JsonOptions)
    """How messages are read from and written as JSON."""

    error_body: Literal["openai", "status"] = "openai"
    """The shape of error bodies: `{"error": {…}}`, which OpenAI's and Google's clients read, or the bare
    google.rpc.Status that other transcoders answer with."""

    unknown_query: Literal["refuse", "ignore"] = "refuse"
    """What becomes of a query key that names no field of the request: a 400, or nothing."""

    log_calls: bool = False
    """Whether each answer is a log line; for a gateway whose service logs its calls elsewhere."""

    reserved_paths: frozenset[str] = OPERATIONAL_PATHS
    """Paths that are answered before the routes are looked at, and that no rule may bind."""

    def __post_init__(self) -> None:
        """Names of headers count in any case. Raises TypeError for a lone text in the place of a set of names."""
        for option in ("forwarded_headers", "exposed_metadata"):
            names = getattr(self, option)
            if isinstance(names, str):
                raise TypeError(f"{option}: must be a set of names, not a text")
            object.__setattr__(self, option, frozenset(name.lower() for name in names))
