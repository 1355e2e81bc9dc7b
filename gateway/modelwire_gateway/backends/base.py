"""The port through which the gateway calls a service, wherever that runs."""

from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.descriptor import MethodDescriptor

Metadata = Sequence[tuple[str, str | bytes]]


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


class Call(Protocol):
    """One call under way: an async iterator over the response messages in wire form.

    A unary response is an iteration of one. The iteration raises `RpcFailure` when the call ends with
    a status other than OK.
    """

    def __aiter__(self) -> "Call": ...

    async def __anext__(self) -> bytes: ...

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
        self, rpc: Rpc, request: bytes | AsyncIterable[bytes], *, metadata: Metadata, timeout: float | None
    ) -> Call:
        """Starts a call. `timeout` in seconds covers all of it; past it, DEADLINE_EXCEEDED."""
        ...

    async def ready(self) -> bool:
        """Whether calls can be served at this moment."""
        ...

    async def close(self) -> None: ...
