"""A call whose requests the client is still sending.

Theory of operation. The backend asks for a message when the service wants one; it is made of what has arrived of
the body. Who asks differs: in this process the handler does, in the task that awaits its answer or in one of its
own; over a channel a task of grpc.aio does, which takes any exception for a cancellation. So a request that cannot
be read is told to neither. It is noted, the asker sees a cancellation, as a service does whose client gives up,
whoever awaits the answer is interrupted, and `UploadingCall` raises what was noted in the place of whatever the call
made of it.
"""

import asyncio
from collections.abc import Iterator

from modelwire_gateway.backends.base import Call, Metadata, Response
from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.requests.body import RequestBody
from modelwire_gateway.requests.messages import RequestMessages


class RequestStream:
    """The messages of a request, an async iterator; each is made when it is asked for."""

    def __init__(self, messages: RequestMessages, body: RequestBody) -> None:
        self.failure: RpcFailure | None = None
        """Why there are no more of them, where the request is at fault."""
        self.awaiting: asyncio.Task[object] | None = None
        """The task to interrupt then, if it is not the one that asks."""
        self.interrupted = False
        self._messages = messages
        self._body = body
        self._made: Iterator[bytes] = iter(())
        self._finished = False

    def __aiter__(self) -> "RequestStream":
        return self

    async def __anext__(self) -> bytes:
        if self.failure is None:
            try:
                return await self._next()
            except RpcFailure as error:
                self.failure = error
                self._interrupt()
        raise asyncio.CancelledError

    def close(self) -> None:
        """Ends the iteration; whoever waits for a message gets none."""
        self._body.close()

    async def _next(self) -> bytes:
        while True:
            for message in self._made:
                return message
            if self._finished:
                raise StopAsyncIteration
            if data := await self._body.take():
                self._made = self._messages.feed(data)
            else:
                self._finished = True
                # Only the end that the client made completes anything.
                self._made = self._messages.finish() if self._body.ended else iter(())

    def _interrupt(self) -> None:
        if self.awaiting is not None and self.awaiting is not asyncio.current_task():
            self.interrupted = True
            self.awaiting.cancel()


class UploadingCall:
    """A call that sends `requests`. What is wrong with them is raised in the place of what the call made of it."""

    def __init__(self, call: Call, requests: RequestStream) -> None:
        self._call = call
        self._requests = requests

    def __aiter__(self) -> "UploadingCall":
        return self

    async def __anext__(self) -> Response:
        requests = self._requests
        if requests.failure is not None:
            raise requests.failure
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        cancelling = task.cancelling()
        requests.awaiting = task
        try:
            return await anext(self._call)
        finally:
            requests.awaiting = None
            self._raise_failure(task, cancelling)

    def _raise_failure(self, task: asyncio.Task[object], cancelling: int) -> None:
        """Raises what the requests failed with, unless somebody else cancels `task` as well."""
        if self._requests.failure is None:
            return
        if self._requests.interrupted:
            task.uncancel()
        if task.cancelling() <= cancelling:
            raise self._requests.failure from None

    async def initial_metadata(self) -> Metadata:
        return () if self._requests.failure else await self._call.initial_metadata()

    def trailing_metadata(self) -> Metadata:
        return self._call.trailing_metadata()

    async def aclose(self) -> None:
        self._requests.close()
        await self._call.aclose()
