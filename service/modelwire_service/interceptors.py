"""Around every call: its id, its entrance, its errors as statuses, its log line."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final, NoReturn

import grpc

from modelwire_service.call_record import CallRecord, begin
from modelwire_service.clients import client_address
from modelwire_service.entrance import Entrance, shutting_down
from modelwire_service.errors import Internal, LimitExceeded, ServiceError
from modelwire_service.limits.base import Headers, Lease

REQUEST_ID: Final = "x-request-id"
SHOULD_RETRY: Final = "x-should-retry"
STATUS_DETAILS: Final = "grpc-status-details-bin"
_USABLE_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_UNGUARDED: Final = ("/grpc.health.", "/grpc.reflection.")
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_log = logging.getLogger("modelwire.call")


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
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(_streaming(handler.unary_stream, rpc, entrance))
    return grpc.unary_unary_rpc_method_handler(_unary(handler.unary_unary, rpc, entrance))


def _unary(behaviour: Callable[..., Awaitable[bytes]], rpc: str, entrance: Entrance) -> Callable[..., Awaitable[bytes]]:
    async def handle(request: bytes, context: Any) -> bytes:
        visit = _Visit(rpc, context, entrance)
        try:
            await visit.begin()
            response = await behaviour(request, context)
        except BaseException as error:
            await visit.failed(error)
        visit.end("OK")
        return response

    return handle


def _streaming(
    behaviour: Callable[..., AsyncGenerator[bytes]], rpc: str, entrance: Entrance
) -> Callable[..., AsyncGenerator[bytes]]:
    async def handle(request: bytes, context: Any) -> AsyncGenerator[bytes]:
        visit = _Visit(rpc, context, entrance)
        try:
            await visit.begin()
            async with aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response
        except BaseException as error:
            await visit.failed(error)
        visit.end("OK")

    return handle


class _Visit:
    """One call from its entrance to its end, which is logged once."""

    def __init__(self, rpc: str, context: Any, entrance: Entrance) -> None:
        self._context = context
        self._entrance = entrance
        self._lease: Lease | None = None
        self._told_ahead = False
        self._broken_off = False
        self._task: asyncio.Task[Any] | None = None
        metadata = context.invocation_metadata() or ()
        given = next((value for key, value in metadata if key == REQUEST_ID), "")
        usable = isinstance(given, str) and _USABLE_ID.fullmatch(given)
        self._record = CallRecord(given if usable else f"req_{secrets.token_hex(12)}", rpc)
        self._record.client = client_address(context.peer(), metadata)

    async def begin(self) -> None:
        """Enters, and sends ahead the call's id, the caller's own or a fresh one, and what is left of limits."""
        record, context = self._record, self._context
        begin(record)
        self._task = asyncio.current_task()
        metadata = context.invocation_metadata() or ()
        self._lease = await self._entrance.enter(self, record, metadata, context.time_remaining())
        await self._tell_ahead(self._lease.headers)

    def break_off(self) -> None:
        """Ends the call, from outside, with an error that the server is shutting down."""
        if self._task is not None:
            self._broken_off = True
            self._task.cancel()

    def end(self, status: str, error: str | None = None) -> None:
        record = self._record
        self._entrance.leave(self, record, self._lease, status)
        fields = {
            "id": record.id,
            "rpc": record.rpc,
            "key": record.caller.id or None,
            "client": record.client or None,
            "model": record.model,
            "upstream": record.upstream,
            "attempts": record.attempts if record.attempts > 1 else None,
            "status": status,
            "ms": round((time.perf_counter() - record.began) * 1000, 1),
            "input_tokens": record.input_tokens,
            "output_tokens": record.output_tokens,
            "error": error,
        }
        _log.info("call", extra={"fields": fields})

    async def failed(self, error: BaseException) -> NoReturn:
        """Ends the call with the status of `error`; a cancelled call just ends."""
        if self._broken_off and self._task is not None and isinstance(error, asyncio.CancelledError):
            self._task.uncancel()
            error = shutting_down()
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            late = self._context.time_remaining() == 0
            self.end("DEADLINE_EXCEEDED" if late else "CANCELLED")
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

    async def _tell_ahead(self, limits: Headers) -> None:
        self._told_ahead = True
        try:
            await self._context.send_initial_metadata(((REQUEST_ID, self._record.id), *limits))
        except grpc.aio.InternalError:  # the client left in this very moment
            raise asyncio.CancelledError from None


def _trailing(error: ServiceError) -> tuple[tuple[str, str | bytes], ...]:
    details = (STATUS_DETAILS, error.to_status().SerializeToString())
    return (details, (SHOULD_RETRY, "false")) if error.retries_spent else (details,)
