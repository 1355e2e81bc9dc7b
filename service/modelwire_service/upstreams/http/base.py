"""The port through which upstreams are reached over HTTP: one request out, one response in, as bytes."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(slots=True)
class Request:
    """One HTTP request. `url` is absolute. Headers may hold keys, so `repr` leaves them out."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait: for a connection, for the first byte of the answer, and between its pieces."""

    connect: float = 10.0
    first_byte: float = 600.0
    idle: float = 120.0


class Response(Protocol):
    """A response whose headers have come. Header names are lower-case."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The body, piece by piece as it arrives, decompressed. May be iterated once."""
        ...

    async def aclose(self) -> None:
        """Gives the connection back if the body was read to its end, and closes it otherwise."""
        ...


class HttpClient(Protocol):
    """Sends requests. Raises UpstreamUnavailable (`sent` false while the upstream cannot have the
    request) and UpstreamTimeout of `modelwire_service.errors`; messages hold no URL and no key.

    Redirects are not followed; cookies are neither kept nor sent. Cancelling `send` or a pending piece,
    or closing the response early, closes the connection within milliseconds.
    """

    async def send(self, request: Request) -> Response:
        """Sends a request and waits for the response headers. The caller must `aclose` the response."""
        ...

    async def aclose(self) -> None: ...
