"""Calls gRPC handlers in this process: the same handlers and interceptors a grpc.aio server runs, without the hop.

The handler runs in the task that iterates over the call, so cancelling that task cancels the handler,
as a leaving client does on a grpc.aio server. A handler of streams that never waits would keep the event loop from
everything else, its own deadline and the client's leaving among it: on a grpc.aio server each message is a wait. So
others get a turn now and then.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

import grpc

from modelwire_gateway.backends.base import Metadata, Request, Response, Rpc
from modelwire_gateway.backends.local_context import HandlerCallDetails, LocalContext
from modelwire_gateway.backends.status import DEADLINE_PASSED, FAILED_WITHOUT_A_STATUS, failure_of
from modelwire_gateway.errors import RpcFailure, failure
from modelwire_gateway.metadata import REQUEST_ID

_LOG: Final = logging.getLogger("modelwire.gateway")
# Messages of a stream that may pass in one turn: a few ms of small ones, to which a wait adds little.
_TURN_MESSAGES: Final = 64
_END: Final = object()

Continuation = Callable[[HandlerCallDetails], Awaitable[Any]]


class LocalBackend:
    """Dispatches calls to `handlers` through `interceptors`, outermost first, as grpc.aio.server does.

    `tailored` says that these were made for it: what handles a method is the same for all of its calls, so that nobody
    is asked twice, and takes a request as `Codecs.request_reader` reads it in the place of the wire.
    """

    def __init__(
        self, handlers: Sequence[grpc.GenericRpcHandler], interceptors: Sequence[Any] = (), *, tailored: bool = False
    ) -> None:
        self.takes_json: Final = tailored
        self._handlers = handlers
        self._found: dict[str, Any] = {}
        self._resolve: Continuation = self._find
        for interceptor in reversed(interceptors):
            self._resolve = _intercepted(interceptor, self._resolve)

    def call(
        self, rpc: Rpc, request: Request | AsyncIterable[bytes], *, metadata: Metadata, timeout: float | None
    ) -> "LocalCall":
        deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        return LocalCall(self, rpc, request, LocalContext(metadata, deadline))

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing to close: the handlers belong to whoever made them."""

    def found(self, rpc: Rpc) -> Any:
        """What handles all calls of a method, once that is known; else None."""
        return self._found.get(rpc.path)

    async def find(self, rpc: Rpc, metadata: Metadata) -> Any:
        """What handles a call of a method; None where nobody does."""
        handler = await self._resolve(HandlerCallDetails(rpc.path, tuple(metadata)))
        if self.takes_json and handler is not None:
            self._found[rpc.path] = handler
        return handler

    async def _find(self, details: HandlerCallDetails) -> Any:
        for handler in self._handlers:
            if (found := handler.service(details)) is not None:
                return found
        return None


class LocalCall:
    """One call of a handler in this process."""

    def __init__(
        self, backend: LocalBackend, rpc: Rpc, request: Request | AsyncIterable[bytes], context: LocalContext
    ) -> None:
        self._backend = backend
        self._rpc = rpc
        self._request = request
        self._context = context
        self._handler: Any = None
        self._responses: AsyncGenerator[Any] | None = None
        self._given = 0
        self._begun = False
        self._ended = False

    def __aiter__(self) -> "LocalCall":
        return self

    def __anext__(self) -> Coroutine[Any, Any, Response]:
        deadline = self._context.deadline
        return self._next() if deadline is None else self._next_in_time(deadline)

    async def initial_metadata(self) -> Metadata:
        return self._context.sent_initial_metadata

    def trailing_metadata(self) -> Metadata:
        return self._context.trailing_metadata()

    async def aclose(self) -> None:
        try:
            if self._responses is not None:
                await self._responses.aclose()
        except Exception:
            raise self._crashed() from None
        finally:
            if self._begun and not self._ended:
                self._context.cancel()
            self._context.finish()

    async def _next_in_time(self, deadline: float) -> Response:
        limit = asyncio.timeout_at(deadline)
        try:
            async with limit:
                response = await self._next()
        except Exception:
            if not limit.expired():
                raise
        else:
            if not limit.expired():
                return response
        # Whatever the handler made of being cancelled.
        raise failure("DEADLINE_EXCEEDED", DEADLINE_PASSED)

    async def _next(self) -> Response:
        """What the handler gives next; ends with RpcFailure unless its status is OK."""
        if self._ended:
            raise StopAsyncIteration
        try:
            if not self._begun:
                response = await self._first()
            else:
                response = _END if self._responses is None else await anext(self._responses, _END)
            if response is not _END:
                self._given += 1
                if self._given % _TURN_MESSAGES == 0:
                    await asyncio.sleep(0)
                return _written(self._handler, response)
        except grpc.aio.AbortError:
            pass
        except Exception:
            self._ended = True
            raise self._crashed() from None
        except (asyncio.CancelledError, GeneratorExit):
            self._ended = True
            self._context.cancel()
            raise
        self._ended = True
        if not self._context.succeeded():
            context = self._context
            raise failure_of(context.code(), context.details(), context.trailing_metadata())
        raise StopAsyncIteration

    async def _first(self) -> Any:
        """Runs the handler up to its first response; `_END` where there is none."""
        self._begun = True
        rpc, context = self._rpc, self._context
        handler = self._backend.found(rpc) or await self._backend.find(rpc, context.invocation_metadata())
        if handler is None:
            context.set_code(grpc.StatusCode.UNIMPLEMENTED)
            context.set_details("the service does not serve this method")
            return _END
        self._handler = handler
        if handler.response_streaming:
            self._responses = responses = _streamed(handler, self._request, context)
            return await anext(responses, _END)
        behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
        response = await behaviour(_read(handler, self._request, context), context)
        return response if context.succeeded() else _END

    def _crashed(self) -> RpcFailure:
        """What callers are told of an exception, which the log has."""
        request_id = dict(self._context.invocation_metadata()).get(REQUEST_ID)
        _LOG.exception("%s failed, id %s", self._rpc.path, request_id)
        return failure("UNKNOWN", FAILED_WITHOUT_A_STATUS)


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


def _read(handler: Any, request: Request | AsyncIterable[bytes], context: LocalContext) -> Any:
    if isinstance(request, dict):
        return request
    if not isinstance(request, bytes):
        context.requests = _Requests(handler, request)
        return context.requests
    read = handler.request_deserializer
    return request if read is None else read(request)


def _written(handler: Any, response: Any) -> Response:
    write = handler.response_serializer
    as_it_is = write is None or (write is bytes and isinstance(response, bytes))
    return response if as_it_is else write(response)  # type: ignore[no-any-return]


def _streamed(handler: Any, request: Request | AsyncIterable[bytes], context: LocalContext) -> AsyncGenerator[Any]:
    behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
    responses = behaviour(_read(handler, request, context), context)
    if isinstance(responses, AsyncGenerator):
        return responses
    raise TypeError(f"{behaviour!r} is no async generator, the one form of streaming handler served in process")
