"""Around every call: its id, its errors as statuses, its log line."""

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
from modelwire_service.errors import Internal, ServiceError

REQUEST_ID: Final = "x-request-id"
STATUS_DETAILS: Final = "grpc-status-details-bin"
_USABLE_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_UNLOGGED: Final = ("/grpc.health.", "/grpc.reflection.")
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_log = logging.getLogger("modelwire.call")


class CallInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Wraps each handler; runs on the grpc.aio server and on the local backend alike."""

    def __init__(self) -> None:
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        if (wrapped := self._wrapped.get(details.method)) is not None:
            return wrapped
        handler = await continuation(details)
        if handler is None or details.method.startswith(_UNLOGGED):
            return handler
        wrapped = self._wrapped[details.method] = _wrap(handler, details.method)
        return wrapped


def _wrap(handler: Any, rpc: str) -> Any:
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(_streaming(handler.unary_stream, rpc))
    return grpc.unary_unary_rpc_method_handler(_unary(handler.unary_unary, rpc))


def _unary(behaviour: Callable[..., Awaitable[bytes]], rpc: str) -> Callable[..., Awaitable[bytes]]:
    async def handle(request: bytes, context: Any) -> bytes:
        line = await _begun(rpc, context)
        try:
            response = await behaviour(request, context)
        except BaseException as error:
            await line.failed(error)
        line.write("OK")
        return response

    return handle


def _streaming(behaviour: Callable[..., AsyncGenerator[bytes]], rpc: str) -> Callable[..., AsyncGenerator[bytes]]:
    async def handle(request: bytes, context: Any) -> AsyncGenerator[bytes]:
        line = await _begun(rpc, context)
        try:
            async with aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response
        except BaseException as error:
            await line.failed(error)
        line.write("OK")

    return handle


async def _begun(rpc: str, context: Any) -> "_CallLine":
    """Takes up a call: gives it the caller's id or a fresh one, and sends that ahead."""
    given = next((value for key, value in context.invocation_metadata() or () if key == REQUEST_ID), "")
    usable = isinstance(given, str) and _USABLE_ID.fullmatch(given)
    record = CallRecord(given if usable else f"req_{secrets.token_hex(12)}", rpc)
    begin(record)
    await context.send_initial_metadata(((REQUEST_ID, record.id),))
    return _CallLine(record, context)


class _CallLine:
    """The log line of one call, written once, at its end."""

    def __init__(self, record: CallRecord, context: Any) -> None:
        self._record = record
        self._context = context
        self._began = time.perf_counter()

    def write(self, status: str, error: str | None = None) -> None:
        record = self._record
        fields = {
            "id": record.id,
            "rpc": record.rpc,
            "model": record.model,
            "upstream": record.upstream,
            "status": status,
            "ms": round((time.perf_counter() - self._began) * 1000, 1),
            "input_tokens": record.input_tokens,
            "output_tokens": record.output_tokens,
            "error": error,
        }
        _log.info("call", extra={"fields": fields})

    async def failed(self, error: BaseException) -> NoReturn:
        """Ends the call with the status of `error`; a cancelled call just ends."""
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            late = self._context.time_remaining() == 0
            self.write("DEADLINE_EXCEEDED" if late else "CANCELLED")
            raise error
        if not isinstance(error, Exception):
            raise error
        if not isinstance(error, ServiceError):
            _log.error("internal error", exc_info=error, extra={"fields": {"id": self._record.id}})
            error = Internal()
        if self._record.upstream:
            error.metadata.setdefault("upstream", self._record.upstream)
        code = _CODES[error.status_code()]
        self.write(code.name, error=error.message)
        trailing = ((STATUS_DETAILS, error.to_status().SerializeToString()),)
        await self._context.abort(code, error.message, trailing)
        raise AssertionError("abort returned") from error
