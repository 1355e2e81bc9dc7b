"""The types of the methods of stubs, on sync channels and on those of grpc.aio. Times are in seconds."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Protocol, TypeVar

Request = TypeVar("Request", contravariant=True)
Response = TypeVar("Response", covariant=True)
Metadata = Sequence[tuple[str, str | bytes]]


class Call(Protocol):
    """A call that was begun. In asyncio all but `cancel` return what is awaited."""

    def cancel(self) -> bool: ...
    def code(self) -> Any: ...
    def details(self) -> Any: ...
    def initial_metadata(self) -> Any: ...
    def trailing_metadata(self) -> Any: ...


class Stream(Call, Protocol[Response]):
    """A call whose answers come one by one, for `for` or `async for`."""

    def __iter__(self) -> Iterator[Response]: ...
    def __next__(self) -> Response: ...
    def __aiter__(self) -> AsyncIterator[Response]: ...
    async def read(self) -> Any:
        """In asyncio alone: the next, or `grpc.aio.EOF`."""


class UnaryMethod(Protocol[Request, Response]):
    """A method that answers once; in asyncio its answer is awaited. Raises grpc.RpcError."""

    def __call__(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: Any = None,
        wait_for_ready: bool | None = None,
        compression: Any = None,
    ) -> Response: ...

    def with_call(
        self, request: Request, *, timeout: float | None = None, metadata: Metadata | None = None
    ) -> tuple[Response, Call]:
        """Not in asyncio: the answer, and the call, which has the metadata."""

    def future(self, request: Request, *, timeout: float | None = None, metadata: Metadata | None = None) -> Any:
        """Not in asyncio: a grpc.Future of the answer."""


class StreamMethod(Protocol[Request, Response]):
    """A method that answers piece by piece. The stream raises grpc.RpcError."""

    def __call__(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: Any = None,
        wait_for_ready: bool | None = None,
        compression: Any = None,
    ) -> Stream[Response]: ...
