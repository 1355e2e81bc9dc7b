"""What a handler sees of a call in this process: the part of grpc.aio.ServicerContext that handlers use."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc

from modelwire_gateway.backends.base import Metadata


@dataclass(frozen=True, slots=True)
class HandlerCallDetails:
    """What interceptors are told of a call (grpc.HandlerCallDetails)."""

    method: str
    invocation_metadata: Metadata


class LocalContext:
    """Stands for grpc.aio.ServicerContext. `deadline` is in seconds of the running loop's clock."""

    def __init__(self, metadata: Metadata, deadline: float | None) -> None:
        self.deadline = deadline
        self.sent_initial_metadata: Metadata = ()
        self.requests: AsyncIterator[Any] | None = None
        """What `read` gives, where requests are streamed."""
        self._invocation_metadata = metadata
        self._trailing_metadata: Metadata = ()
        self._code: Any = None
        self._details = ""
        self._done_callbacks: list[Callable[[Any], None]] = []
        self._done = False
        self._cancelled = False

    def invocation_metadata(self) -> Metadata:
        return self._invocation_metadata

    def time_remaining(self) -> float | None:
        """Seconds to the deadline, never below 0; None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - asyncio.get_running_loop().time())

    def peer(self) -> str:
        return "local:in-process"

    async def read(self) -> Any:
        """The next request of a stream, grpc.aio.EOF after the last."""
        if self.requests is None:
            raise grpc.aio.UsageError("the method takes a single request")
        return await anext(self.requests, grpc.aio.EOF)

    async def send_initial_metadata(self, metadata: Metadata) -> None:
        self.sent_initial_metadata = tuple(metadata)

    def set_trailing_metadata(self, metadata: Metadata) -> None:
        self._trailing_metadata = tuple(metadata)

    def trailing_metadata(self) -> Metadata:
        return self._trailing_metadata

    def set_code(self, code: Any) -> None:
        self._code = code

    def code(self) -> Any:
        return self._code

    def set_details(self, details: str) -> None:
        self._details = details

    def details(self) -> str:
        return self._details

    async def abort(self, code: Any, details: str = "", trailing_metadata: Metadata = ()) -> NoReturn:
        """Ends the call with a status; raises grpc.aio.AbortError, as grpc does."""
        # A call that is aborted has not succeeded, whatever the handler says.
        self._code = grpc.StatusCode.UNKNOWN if code in (grpc.StatusCode.OK, 0) else code
        self._details = details
        if trailing_metadata:
            self._trailing_metadata = tuple(trailing_metadata)
        raise grpc.aio.AbortError("the handler aborted the call")

    async def abort_with_status(self, status: Any) -> NoReturn:
        await self.abort(status.code, status.details, status.trailing_metadata)

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._done_callbacks.append(callback)

    def done(self) -> bool:
        return self._done

    def cancelled(self) -> bool:
        return self._cancelled

    def succeeded(self) -> bool:
        """Whether the call, if it ended as it stands, would end with OK."""
        return self._code in (None, grpc.StatusCode.OK, 0)

    def cancel(self) -> None:
        """Notes that the call is given up before its end."""
        self._cancelled = True

    def finish(self) -> None:
        """Marks the call as over and tells those who asked."""
        if not self._done:
            self._done = True
            for callback in self._done_callbacks:
                callback(self)
