"""Around every call: its id, its entrance, its errors as statuses, its log line."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from random import getrandbits
from typing import Any, Final, NoReturn

import grpc

from modelwire_service.call_record import CallRecord, begin
from modelwire_service.client_address import client_address
from modelwire_service.dispatch.deadlines import exceeded
from modelwire_service.entrance import Entrance, Metadata, shutting_down
from modelwire_service.errors import DeadlineExceeded, Internal, InvalidRequest, LimitExceeded, ServiceError
from modelwire_service.limits.base import Headers, Lease
from modelwire_service.logs import Event

REQUEST_ID: Final = "x-request-id"
SHOULD_RETRY: Final = "x-should-retry"
STATUS_DETAILS: Final = "grpc-status-details-bin"
_USABLE_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_UNGUARDED: Final = ("/grpc.health.", "/grpc.reflection.")
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_ARRIVAL_SECONDS: Final = 60.0
_LAST_WORDS_SECONDS: Final = 1.0  # past its end, for who waits for an answer to be told so first
_WHOLE: Final = (bytes, dict)  # what a request is that is there already, as calls in this process bring it
_log = logging.getLogger("modelwire.call")
_CALL: Final = Event(_log, "call")

Requests = bytes | dict[str, Any] | AsyncIterator[bytes]


class CallInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Wraps each handler; runs on the grpc.aio server and on the local backend alike.

    Health and reflection are for whoever runs the server: they pass untouched.
    """

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        if (wrapped := self._wrapped.get(details.method)) is not None:
            return wrapped
        handler = await continuation(details)
        if handler is None or details.method.startswith(_UNGUARDED):
            return handler
        wrapped = self._wrapped[details.method] = _wrap(handler, details.method, self._entrance)
        return wrapped


def _wrap(handler: Any, rpc: str, entrance: Entrance) -> Any:
    """`handler`, of one request, as one of a stream of them, which is the same on the wire.

    gRPC reads a single request before it asks anybody. So nobody is let in before that is in memory, a stream's
    requests are read by whoever serves it: here, once the caller is known and has its turn.
    """
    if handler.response_streaming:
        behaviour = _streaming(handler.unary_stream, rpc, entrance)
        # gRPC takes no message of a class derived from bytes, as the last of a stream may be.
        return grpc.stream_stream_rpc_method_handler(behaviour, response_serializer=bytes)
    return grpc.stream_unary_rpc_method_handler(_unary(handler.unary_unary, rpc, entrance))


def _unary(behaviour: Callable[..., Awaitable[bytes]], rpc: str, entrance: Entrance) -> Callable[..., Awaitable[bytes]]:
    async def handle(requests: Requests, context: Any) -> bytes:
        visit = _Visit(rpc, context, entrance)
        try:
            await visit.begin()
            request = requests if isinstance(requests, _WHOLE) else await _first(requests)
            response = await behaviour(request, context)
        except BaseException as error:
            await visit.failed(error)
        visit.end("OK")
        return response

    return handle


def _streaming(
    behaviour: Callable[..., AsyncGenerator[bytes]], rpc: str, entrance: Entrance
) -> Callable[..., AsyncGenerator[bytes]]:
    async def handle(requests: Requests, context: Any) -> AsyncGenerator[bytes]:
        visit = _Visit(rpc, context, entrance)
        try:
            await visit.begin()
            visit.ends_in_time()
            request = requests if isinstance(requests, _WHOLE) else await _first(requests)
            responses = behaviour(request, context)
            try:
                async for response in responses:
                    yield response
            finally:
                await responses.aclose()
        except BaseException as error:
            await visit.failed(error)
        visit.end("OK")

    return handle


async def _first(requests: AsyncIterator[bytes]) -> bytes:
    """The one request of a call that streams them. Raises InvalidRequest where there is none."""
    try:
        async with asyncio.timeout(_ARRIVAL_SECONDS):
            return await anext(requests)
    except StopAsyncIteration:
        raise InvalidRequest.of("", "the call ended without a request") from None
    except TimeoutError:
        raise DeadlineExceeded(f"the request did not arrive within {_ARRIVAL_SECONDS:g} s") from None


class _Visit:
    """One call from its entrance to its end, which is logged once."""

    def __init__(self, rpc: str, context: Any, entrance: Entrance) -> None:
        self._context = context
        self._entrance = entrance
        self._lease: Lease | None = None
        self._told_ahead = False
        self._ended_by: Callable[[], ServiceError] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._metadata = metadata = context.invocation_metadata() or ()
        self._record = CallRecord(_id_of(metadata), rpc, client=client_address(context.peer(), metadata))

    async def begin(self) -> None:
        """Enters, and sends ahead the call's id, the caller's own or a fresh one, and what is left of limits."""
        record = self._record
        begin(record)
        self._task = asyncio.current_task()
        self._lease = await self._entrance.enter(self, record, self._metadata, self._context.time_remaining())
        await self._tell_ahead(self._lease.headers)

    def break_off(self) -> None:
        """Ends the call, from outside, with an error that the server is shutting down."""
        self._end_by(shutting_down)

    def ends_in_time(self) -> None:
        """Ends the call once its time is over, should it still be there, as it is if its client does not read on."""
        if (ends_at := self._record.ends_at) is not None:
            at = ends_at + _LAST_WORDS_SECONDS
            self._timer = asyncio.get_running_loop().call_at(at, self._end_by, exceeded)

    def _end_by(self, error: Callable[[], ServiceError]) -> None:
        if self._task is not None:
            self._ended_by = error
            self._task.cancel()

    def end(self, status: str, error: str | None = None) -> None:
        record = self._record
        if self._timer is not None:
            self._timer.cancel()
        self._entrance.leave(self, record, self._lease, status)
        if _log.isEnabledFor(logging.INFO):
            _CALL.tell(_told(record, status, error))

    async def failed(self, error: BaseException) -> NoReturn:
        """Ends the call with the status of `error`; a cancelled call just ends."""
        if self._ended_by is not None and self._task is not None and isinstance(error, asyncio.CancelledError):
            self._task.uncancel()
            error = self._ended_by()
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self.end(self._why_cancelled())
            raise error
        if not isinstance(error, Exception):
            raise error
        if not isinstance(error, ServiceError):
            _log.error("internal error", exc_info=error, extra={"fields": {"id": self._record.id}})
            error = Internal()
        if self._record.upstream:
            error.metadata.setdefault("upstream", self._record.upstream)
        code = _CODES[error.status_code()]
        self.end(code.name, error=error.message)
        if not self._told_ahead:
            await self._tell_ahead(error.headers if isinstance(error, LimitExceeded) else ())
        await self._context.abort(code, error.message, _trailing(error))
        raise AssertionError("abort returned") from error

    def _why_cancelled(self) -> str:
        if self._ended_by is not None:
            return str(_CODES[self._ended_by().status_code()].name)
        return "DEADLINE_EXCEEDED" if self._context.time_remaining() == 0 else "CANCELLED"

    async def _tell_ahead(self, limits: Headers) -> None:
        self._told_ahead = True
        try:
            await self._context.send_initial_metadata(((REQUEST_ID, self._record.id), *limits))
        except grpc.aio.InternalError:  # the client left in this very moment
            raise asyncio.CancelledError from None


def _trailing(error: ServiceError) -> tuple[tuple[str, str | bytes], ...]:
    details = (STATUS_DETAILS, error.to_status().SerializeToString())
    return (details, (SHOULD_RETRY, "false")) if error.retries_spent else (details,)


def _id_of(metadata: Metadata) -> str:
    """The caller's own id of a call where it sent a usable one, else a fresh one."""
    for key, value in metadata:
        if key == REQUEST_ID:
            if isinstance(value, str) and _USABLE_ID.fullmatch(value):
                return value
            break
    return f"req_{getrandbits(96):024x}"  # which tells calls apart and is no secret


def _told(record: CallRecord, status: str, error: str | None) -> dict[str, Any]:
    """What the log line of a call tells."""
    return {
        "id": record.id,
        "rpc": record.rpc,
        "key": record.caller.id or None,
        "client": record.client or None,
        "model": record.model,
        "upstream": record.upstream,
        "attempts": record.attempts if record.attempts > 1 else None,
        "status": status,
        "ms": record.ended(),
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "error": error,
    }
