"""The port through which the gateway calls a service, wherever that runs."""

from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from google.protobuf.descriptor import MethodDescriptor

from modelwire_gateway.json_codec import JsonValue

Metadata = Sequence[tuple[str, str | bytes]]
Request = bytes | dict[str, Any]
"""A request message in wire form or, for backends that take it so, as `Codecs.request_reader` reads it."""


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method of a service. `path` is what gRPC puts on the wire: `/package.Service/Method`."""

    path: str
    descriptor: MethodDescriptor

    @property
    def client_streaming(self) -> bool:
        return bool(self.descriptor.client_streaming)

    @property
    def server_streaming(self) -> bool:
        return bool(self.descriptor.server_streaming)

    @classmethod
    def of(cls, method: MethodDescriptor) -> "Rpc":
        return cls(f"/{method.containing_service.full_name}/{method.name}", method)


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """The response of a unary RPC in this process, which its service gave as JSON: spelled and ordered as plain proto3
    JSON has it, and right, so that nobody need write and read it to find out."""

    json: JsonValue
    write: Callable[[JsonValue], bytes]
    """Gives the wire form."""


Response = bytes | JsonResponse
"""A response message: in wire form, or for a unary RPC as JSON."""


def wire_of(response: Response) -> bytes:
    """The message in wire form."""
    return response if isinstance(response, bytes) else response.write(response.json)


class Call(Protocol):
    """One call under way: an async iterator over the response messages.

    A unary response is an iteration of one. The iteration raises `RpcFailure` when the call ends with
    a status other than OK.
    """

    def __aiter__(self) -> "Call": ...

    async def __anext__(self) -> Response: ...

    async def initial_metadata(self) -> Metadata:
        """What the service sent ahead. May only be asked after the first message, or the end."""
        ...

    def trailing_metadata(self) -> Metadata:
        """What the service sent at the end; empty until the iteration has ended."""
        ...

    async def aclose(self) -> None:
        """Ends the call, cancelling it if it still runs. Must be called once, whatever happened."""
        ...


class Backend(Protocol):
    """Where calls go: a remote server, or handlers in this process."""

    def call(
        self, rpc: Rpc, request: Request | AsyncIterable[bytes], *, metadata: Metadata, timeout: float | None
    ) -> Call:
        """Starts a call. `timeout` in seconds covers all of it; past it, DEADLINE_EXCEEDED."""
        ...

    async def ready(self) -> bool:
        """Whether calls can be served at this moment."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class TakesJson(Protocol):
    """What a backend is besides that may take requests as JSON, in the place of their wire form."""

    @property
    def takes_json(self) -> bool:
        """Whether it takes them, for all methods."""
        ...


def takes_json(backend: Backend) -> bool:
    return isinstance(backend, TakesJson) and backend.takes_json
