"""One call of the gRPC door, answered on gRPC's core itself.

Theory of operation. Whatever the core is asked to do is a batch of operations, and the end of each is heard of through
two threads. grpc.aio gives each step of a call a batch of its own and waits for it: metadata, request, each message,
status. Here metadata go ahead while the request is read, and the last message goes with the status, so that a call with
one answer waits twice. A handler sees what grpc.aio shows it: a context, and requests to iterate over.
"""

import asyncio
import logging
from collections.abc import Sequence
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

    def __init__(self, state: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._loop = loop
        self._context = cygrpc._ServicerContext(state, None, None, loop)
        self._metadata_task: asyncio.Future[None] | None = None
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
        if (message := request.message()) is None:
            raise StopAsyncIteration
        return bytes(message)

    async def send_initial_metadata(self, metadata: Sequence[tuple[str, Any]]) -> None:
        """Sends them while the call goes on."""
        self._metadata_task = self._loop.create_task(self._send_metadata(tuple(metadata)))

    async def write(self, message: bytes) -> None:
        await self._do(*await self._metadata_sent(), cygrpc.SendMessageOperation(message, _NO_FLAGS))

    async def finish(self, *message: bytes) -> None:
        """Ends the call with OK, after one message more or none."""
        messages = [cygrpc.SendMessageOperation(each, _NO_FLAGS) for each in message]
        await self._end(*messages, cygrpc.SendStatusFromServerOperation((), _OK, "", _NO_FLAGS))

    async def abort(
        self, code: grpc.StatusCode, details: str, trailing_metadata: Sequence[tuple[str, Any]] = ()
    ) -> None:
        """Ends the call with an error; always raises grpc.aio.AbortError."""
        number, trailing = code.value[0], tuple(trailing_metadata)
        await self._end(cygrpc.SendStatusFromServerOperation(trailing, number, details, _NO_FLAGS))
        raise cygrpc.AbortError(details)

    async def client_left(self) -> bool:
        """Waits until the call is over for the client, too; whether that left before it was answered."""
        over = cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS)
        await self._do(over)
        return bool(over.cancelled())

    def close(self) -> None:
        """Lets go of the core's call, whoever still holds this: a server that shuts down waits for that."""
        del self._state, self._context

    async def _end(self, *operations: Any) -> None:
        self.ended = True
        await self._do(*await self._metadata_sent(), *operations)

    async def _send_metadata(self, metadata: tuple[tuple[str, Any], ...]) -> None:
        # A batch of its own: cygrpc keeps for good what it made of one that fails, as a request that never comes does.
        with suppress(cygrpc.ExecuteBatchError):
            await self._do(cygrpc.SendInitialMetadataOperation(metadata, _NO_FLAGS))

    async def _metadata_sent(self) -> tuple[Any, ...]:
        """Waits until the metadata have gone out; empty ones to send, if nobody gave any."""
        if self._metadata_task is None:
            self._metadata_task = self._loop.create_future()
            self._metadata_task.set_result(None)
            return (cygrpc.SendInitialMetadataOperation((), _NO_FLAGS),)
        if not self._metadata_task.done():
            await asyncio.shield(self._metadata_task)  # what ends this message leaves them on their way
        return ()

    async def _do(self, *operations: Any) -> None:
        await cygrpc.execute_batch(self._state, operations, self._loop)


async def run(handler: Any, state: Any) -> None:
    """Answers a call that has come (an RPCState) by a handler that `is_plain`. A client that leaves cancels that."""
    loop = asyncio.get_running_loop()
    call = Call(state, loop)
    del state
    answering = loop.create_task(_answer(call, handler))
    try:
        if await call.client_left() and not call.ended:
            answering.cancel()
        await answering
    finally:
        call.close()


async def _answer(call: Call, handler: Any) -> None:
    try:
        if handler.response_streaming:
            await _stream(call, handler.stream_stream)
        else:
            await call.finish(await handler.stream_unary(call, call))
    except (cygrpc.AbortError, cygrpc.ExecuteBatchError):
        pass  # told already, or nobody is there to be told
    except asyncio.CancelledError as error:
        if not (call.ended or _is_cancelled()):  # but what the handler waited for was
            await _apologise(call, error)
    except Exception as error:
        await _apologise(call, error)


async def _stream(call: Call, behaviour: Any) -> None:
    last: tuple[bytes, ...] = ()
    async with aclosing(behaviour(call, call)) as messages:
        async for message in messages:
            if type(message) is Last:
                last = (bytes(message),)
                continue
            try:
                await call.write(message)
            except asyncio.CancelledError as error:
                # The handler hears of it as where it waits itself: it may have to tell why the call ends.
                with suppress(StopAsyncIteration):
                    await messages.athrow(error)
                raise
    await call.finish(*last)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _apologise(call: Call, error: BaseException) -> None:
    _log.error("internal error", exc_info=error)
    if not call.ended:
        with suppress(cygrpc.AbortError, cygrpc.ExecuteBatchError):
            await call.abort(*_INTERNAL)
