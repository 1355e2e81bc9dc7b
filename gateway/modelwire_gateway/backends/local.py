"""Calls gRPC handlers in this process: the same handlers and interceptors a grpc.aio server runs, without the hop.

The handler runs in the task that iterates over the call, so cancelling that task cancels the handler,
as a leaving client does on a grpc.aio server.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from typing import Any

import grpc

from modelwire_gateway.backends.base import Metadata, Rpc
from modelwire_gateway.backends.local_context import HandlerCallDetails, LocalContext
from modelwire_gateway.backends.status import failure_of
from modelwire_gateway.errors import RpcFailure, failure

Continuation = Callable[[HandlerCallDetails], Awaitable[Any]]


class LocalBackend:
    """Dispatches calls to `handlers` through `interceptors`, outermost first, as grpc.aio.server does."""

    def __init__(self, handlers: Sequence[grpc.GenericRpcHandler], interceptors: Sequence[Any] = ()) -> None:
        self._handlers = handlers
        self._resolve: Continuation = self._find
        for interceptor in reversed(interceptors):
            self._resolve = _intercepted(interceptor, self._resolve)

    def call(
        self, rpc: Rpc, request: bytes | AsyncIterable[bytes], *, metadata: Metadata, timeout: float | None
    ) -> "LocalCall":
        deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        return LocalCall(self._resolve, rpc, request, LocalContext(metadata, deadline))

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing to close: the handlers belong to whoever made them."""

    async def _find(self, details: HandlerCallDetails) -> Any:
        for handler in self._handlers:
            if (found := handler.service(details)) is not None:
                return found
        return None


class LocalCall:
    """One call of a handler in this process."""

    def __init__(
        self, resolve: Continuation, rpc: Rpc, request: bytes | AsyncIterable[bytes], context: LocalContext
    ) -> None:
        self._context = context
        self._responses = _responses(resolve, rpc, request, context)

    def __aiter__(self) -> "LocalCall":
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout_at(self._context.deadline) as limit:
                return await anext(self._responses)
        except TimeoutError:
            if not limit.expired():
                raise
            raise failure("DEADLINE_EXCEEDED", "the call did not end before its deadline") from None

    async def initial_metadata(self) -> Metadata:
        return self._context.sent_initial_metadata

    def trailing_metadata(self) -> Metadata:
        return self._context.trailing_metadata()

    async def aclose(self) -> None:
        await self._responses.aclose()
        self._context.finish()


async def _responses(
    resolve: Continuation, rpc: Rpc, request: bytes | AsyncIterable[bytes], context: LocalContext
) -> AsyncGenerator[bytes]:
    """Runs the handler; ends with RpcFailure unless its status is OK."""
    handler = await resolve(HandlerCallDetails(rpc.path, tuple(context.invocation_metadata())))
    if handler is None:
        raise failure("UNIMPLEMENTED", f"{rpc.path} is not served here")
    try:
        if handler.response_streaming:
            behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
            responses = _started(behaviour, _read(handler, request), context)
            try:
                async for response in responses:
                    yield _written(handler, response)
            finally:
                await responses.aclose()
        else:
            behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
            yield _written(handler, await behaviour(_read(handler, request), context))
    except grpc.aio.AbortError:
        pass
    if context.code() not in (None, grpc.StatusCode.OK, 0):
        raise _failure_of(context)


def _intercepted(interceptor: Any, inner: Continuation) -> Continuation:
    async def resolve(details: HandlerCallDetails) -> Any:
        return await interceptor.intercept_service(inner, details)

    return resolve


def _read(handler: Any, request: bytes | AsyncIterable[bytes]) -> Any:
    read = handler.request_deserializer
    if read is None:
        return request
    return read(request) if isinstance(request, bytes) else (read(message) async for message in request)


def _written(handler: Any, response: Any) -> bytes:
    write = handler.response_serializer
    return response if write is None else write(response)  # type: ignore[no-any-return]


def _started(behaviour: Callable[..., Any], request: Any, context: LocalContext) -> AsyncGenerator[Any]:
    responses = behaviour(request, context)
    if isinstance(responses, AsyncGenerator):
        return responses
    raise TypeError(f"{behaviour!r} is no async generator, the one form of streaming handler served in process")


def _failure_of(context: LocalContext) -> RpcFailure:
    return failure_of(context.code(), context.details(), context.trailing_metadata())
