"""One call of the gRPC door, answered on gRPC's core itself.

Theory of operation. Whatever the core is asked to do is a batch of operations, and the end of each is heard of through
two threads. grpc.aio gives each step of a call a batch of its own and waits for it: metadata, request, each message,
status, and whether the client has left. Here a call with one answer that is there at once has two: the request, and
all the rest. Where the answer is not there at once, metadata go ahead of it, and a client that leaves is heard of. A
handler sees what grpc.aio shows it: a context, and requests to iterate over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final

import grpc
from grpc._cython import cygrpc

from modelwire_service.rpc import Last

NEEDED: Final = (
    *("AbortError", "ExecuteBatchError", "_ServicerContext", "execute_batch"),
    *("ReceiveCloseOnServerOperation", "ReceiveMessageOperation"),
    *("SendInitialMetadataOperation", "SendMessageOperation", "SendStatusFromServerOperation"),
)
"""The names of cygrpc that this leans on, and which are private."""
_AT_ONCE: Final = 0.02  # seconds; after that metadata go ahead of an answer, and a client that leaves is heard of
_AHEAD: Final = 0.002  # seconds that metadata have before an error
_NO_FLAGS: Final = 0
_OK: Final = 0
_INTERNAL: Final = (grpc.StatusCode.INTERNAL, "internal error")
_log = logging.getLogger("modelwire.call")


def is_plain(handler: Any) -> bool:
    """Whether a handler takes and gives bytes, and reads its requests itself."""
    reads_itself = handler.request_streaming and handler.request_deserializer is None
    return bool(reads_itself and handler.response_serializer in (None, bytes))


class Call:
    """A call as its handler sees it: its context, and the requests of its client."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self._task: Any = asyncio.current_task()
        self._loop = loop = asyncio.get_running_loop()
        self._context = cygrpc._ServicerContext(state, None, None, loop)
        self._metadata: tuple[tuple[str, Any], ...] | None = ()
        """Those to send with what goes out next; None once they are sent."""
        self._watch: asyncio.Task[None] | None = None
        self._timer = loop.call_later(_AT_ONCE, self._look_after)
        self.ended = False
        """Whether nobody is to be told anything more: the status is on its way, or the client has left."""

    def invocation_metadata(self) -> Any:
        return self._context.invocation_metadata()

    def peer(self) -> str:
        return str(self._context.peer())

    def time_remaining(self) -> float | None:
        """Seconds until the client's deadline, None if it gave none."""
        seconds: float | None = self._context.time_remaining()
        return seconds

    def __aiter__(self) -> "Call":
        return self

    async def __anext__(self) -> bytes:
        """The next request. Raises CancelledError where the client has left."""
        request = cygrpc.ReceiveMessageOperation(_NO_FLAGS)
        try:
            await self._do(request)
        except cygrpc.ExecuteBatchError:
            self.ended = True
            raise asyncio.CancelledError from None
        message: bytes | None = request.message()
        if message is None:
            raise StopAsyncIteration
        return message

    async def send_initial_metadata(self, metadata: Sequence[tuple[str, Any]]) -> None:
        """Sends them with the answer, or ahead of one that is not there at once."""
        if self._metadata is not None:
            self._metadata = tuple(metadata)
            if self._watch is not None:
                await self._do(*self._opening())

    async def write(self, message: bytes) -> None:
        """Sends a message, which may be of a class derived from bytes: the core would take none such."""
        if self.is_cancelled():
            await asyncio.sleep(0)  # raises here what the call is to end by, before anything goes out
        await self._do(*self._opening(), cygrpc.SendMessageOperation(bytes(message), _NO_FLAGS))

    async def finish(self, *message: bytes) -> None:
        """Ends the call with OK, after one message more or none."""
        messages = [cygrpc.SendMessageOperation(bytes(each), _NO_FLAGS) for each in message]
        await self._end(*messages, cygrpc.SendStatusFromServerOperation((), _OK, "", _NO_FLAGS))

    async def abort(
        self, code: grpc.StatusCode, details: str, trailing_metadata: Sequence[tuple[str, Any]] = ()
    ) -> None:
        """Ends the call with an error; always raises grpc.aio.AbortError."""
        if self._metadata:
            # grpc.aio's client shows an error without the metadata if it hears of that before it has asked for them.
            await self._do(*self._opening())
            await asyncio.sleep(_AHEAD)
        number, trailing = code.value[0], tuple(trailing_metadata)
        await self._end(cygrpc.SendStatusFromServerOperation(trailing, number, details, _NO_FLAGS))
        raise cygrpc.AbortError(details)

    def is_cancelled(self) -> bool:
        """Whether the handler is, by somebody, rather than what it waits for."""
        return bool(self._task.cancelling())

    async def close(self) -> None:
        """Lets go of the core's call once that is over, whoever still holds this: servers that stop wait for it."""
        self._timer.cancel()
        try:
            if self._watch is not None:
                await self._watch
        finally:
            del self._state, self._context

    def _end(self, *operations: Any) -> Awaitable[None]:
        self.ended = True
        if self._watch is None:
            self._timer.cancel()
            operations = (*operations, cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS))
        return self._do(*self._opening(), *operations)

    def _look_after(self) -> None:
        self._watch = self._loop.create_task(self._watch_client())

    async def _watch_client(self) -> None:
        """Sends the metadata there are, and cancels the call should its client leave."""
        over = cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS)
        await self._do(*(self._opening() if self._metadata else ()), over)
        if over.cancelled() and not self.ended:
            self._task.cancel()

    def _opening(self) -> tuple[Any, ...]:
        """What has to be sent before all else."""
        if (metadata := self._metadata) is None:
            return ()
        self._metadata = None
        return (cygrpc.SendInitialMetadataOperation(metadata, _NO_FLAGS),)

    def _do(self, *operations: Any) -> Awaitable[None]:
        batch: Awaitable[None] = cygrpc.execute_batch(self._state, operations, self._loop)
        return batch


async def run(handler: Any, state: Any) -> None:
    """Answers a call that has come (an RPCState) by a handler that `is_plain`. A client that leaves cancels that."""
    call = Call(state)
    del state
    try:
        await _answer(call, handler)
    finally:
        await call.close()


async def _answer(call: Call, handler: Any) -> None:
    try:
        if handler.response_streaming:
            await _stream(call, handler.stream_stream)
        else:
            await call.finish(await handler.stream_unary(call, call))
    except (cygrpc.AbortError, cygrpc.ExecuteBatchError):
        pass  # told already, or nobody is there to be told
    except asyncio.CancelledError as error:
        if not (call.ended or call.is_cancelled()):  # but what the handler waited for was
            await _apologise(call, error)
    except Exception as error:
        await _apologise(call, error)


async def _stream(call: Call, behaviour: Any) -> None:
    last: tuple[bytes, ...] = ()
    async with aclosing(behaviour(call, call)) as messages:
        async for message in messages:
            if isinstance(message, Last):
                last = (message,)
                continue
            try:
                await call.write(message)
            except asyncio.CancelledError as error:
                # The handler hears of it as where it waits itself: it may have to tell why the call ends.
                with suppress(StopAsyncIteration):
                    await messages.athrow(error)
                raise
    await call.finish(*last)


async def _apologise(call: Call, error: BaseException) -> None:
    _log.error("internal error", exc_info=error)
    if not call.ended:
        with suppress(cygrpc.AbortError, cygrpc.ExecuteBatchError):
            await call.abort(*_INTERNAL)
