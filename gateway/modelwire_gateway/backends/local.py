"""Calls gRPC handlers in this process: the same handlers and interceptors a grpc.aio server runs, without the hop.

The handler runs in the task that iterates over the call, so cancelling that task cancels the handler,
as a leaving client does on a grpc.aio server. A handler of streams that never waits would keep the event loop from
everything else, its own deadline and the client's leaving among it: on a grpc.aio server each message is a wait. So
others get a turn now and then.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import grpc

from modelwire_gateway.backends.base import Metadata, Response, Rpc
from modelwire_gateway.backends.local_context import HandlerCallDetails, LocalContext
from modelwire_gateway.backends.status import DEADLINE_PASSED, FAILED_WITHOUT_A_STATUS, failure_of
from modelwire_gateway.errors import failure
from modelwire_gateway.metadata import REQUEST_ID

_LOG: Final = logging.getLogger("modelwire.gateway")
# Messages of a stream that may pass in one turn: a few ms of small ones, to which a wait adds little.
_TURN_MESSAGES: Final = 64

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

    async def __anext__(self) -> Response:
        if self._context.deadline is None:
            return await anext(self._responses)
        limit = asyncio.timeout_at(self._context.deadline)
        try:
            async with limit:
                response = await anext(self._responses)
        except Exception:
            if not limit.expired():
                raise
        else:
            if not limit.expired():
                return response
        # Whatever the handler made of being cancelled.
        raise failure("DEADLINE_EXCEEDED", DEADLINE_PASSED)

    async def initial_metadata(self) -> Metadata:
        return self._context.sent_initial_metadata

    def trailing_metadata(self) -> Metadata:
        return self._context.trailing_metadata()

    async def aclose(self) -> None:
        try:
            await self._responses.aclose()
        finally:
            self._context.finish()


async def _responses(
    resolve: Continuation, rpc: Rpc, request: bytes | AsyncIterable[bytes], context: LocalContext
) -> AsyncGenerator[Response]:
    """Runs the handler; ends with RpcFailure unless its status is OK."""
    given = 0
    try:
        handler = await resolve(HandlerCallDetails(rpc.path, tuple(context.invocation_metadata())))
        if handler is None:
            context.set_code(grpc.StatusCode.UNIMPLEMENTED)
            context.set_details("the service does not serve this method")
        elif handler.response_streaming:
            async with aclosing(_streamed(handler, request, context)) as responses:
                async for response in responses:
                    given += 1
                    if given % _TURN_MESSAGES == 0:
                        await asyncio.sleep(0)
                    yield _written(handler, response)
        else:
            behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
            response = await behaviour(_read(handler, request, context), context)
            if context.succeeded():
                yield _written(handler, response)
    except grpc.aio.AbortError:
        pass
    except Exception:
        _LOG.exception("%s failed, id %s", rpc.path, dict(context.invocation_metadata()).get(REQUEST_ID))
        raise failure("UNKNOWN", FAILED_WITHOUT_A_STATUS) from None
    except (asyncio.CancelledError, GeneratorExit):
        context.cancel()
        raise
    if not context.succeeded():
        raise failure_of(context.code(), context.details(), context.trailing_metadata())


def _intercepted(interceptor: Any, inner: Continuation) -> Continuation:
    async def resolve(details: HandlerCallDetails) -> Any:
        return await interceptor.intercept_service(inner, details)

    return resolve


class _Requests:
    """The requests of a call as its handler reads them, by iteration or by `ServicerContext.read`."""

    def __init__(self, handler: Any, requests: AsyncIterable[bytes]) -> None:
        self._read = handler.request_deserializer
        self._requests = aiter(requests)
        self._asked = 0

    def __aiter__(self) -> "_Requests":
        return self

    async def __anext__(self) -> Any:
        self._asked += 1
        if self._asked % _TURN_MESSAGES == 0:
            await asyncio.sleep(0)
        request = await anext(self._requests)
        return request if self._read is None else self._read(request)


def _read(handler: Any, request: bytes | AsyncIterable[bytes], context: LocalContext) -> Any:
    if not isinstance(request, bytes):
        context.requests = _Requests(handler, request)
        return context.requests
    read = handler.request_deserializer
    return request if read is None else read(request)


def _written(handler: Any, response: Any) -> Response:
    write = handler.response_serializer
    return response if write is None else write(response)  # type: ignore[no-any-return]


def _streamed(handler: Any, request: bytes | AsyncIterable[bytes], context: LocalContext) -> AsyncGenerator[Any]:
    behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
    responses = behaviour(_read(handler, request, context), context)
    if isinstance(responses, AsyncGenerator):
        return responses
    raise TypeError(f"{behaviour!r} is no async generator, the one form of streaming handler served in process")
