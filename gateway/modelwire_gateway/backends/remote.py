"""Calls a gRPC server over a channel, any method by its path, messages as bytes."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any, Final

import grpc

from modelwire_gateway.backends.base import Metadata, Rpc
from modelwire_gateway.backends.status import failure_of

_MAX_BACKOFF_MS: Final = 2_000
_CONNECT_SECONDS: Final = 1.0
_METADATA_BYTES: Final = 64 * 1024
_LONGEST_TIMEOUT: Final = 1e9
"""In seconds. Longer ones overflow in gRPC, and end at once."""


class RemoteBackend:
    """Calls the server at `target` ("host:port" or "unix:/path") in plain text.

    `max_request_bytes` bounds what is sent; answers are not bounded, since streams and lists of vectors are large.
    """

    def __init__(self, target: str, *, max_request_bytes: int) -> None:
        options = (
            ("grpc.max_send_message_length", max_request_bytes),
            ("grpc.max_receive_message_length", -1),
            # As much as a request's head may take. Between two different limits, gRPC refuses at random.
            ("grpc.max_metadata_size", _METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
            # A server that comes back after an hour must not be left alone for two minutes more.
            ("grpc.max_reconnect_backoff_ms", _MAX_BACKOFF_MS),
        )
        self._channel = grpc.aio.insecure_channel(target, options=options)
        self._callables: dict[str, Any] = {}

    def call(
        self, rpc: Rpc, request: bytes | AsyncIterable[bytes], *, metadata: Metadata, timeout: float | None
    ) -> "RemoteCall":
        limit = None if timeout is None else min(timeout, _LONGEST_TIMEOUT)
        call = self._callable(rpc)(request, metadata=tuple(metadata), timeout=limit)
        return RemoteCall(call, streaming=rpc.server_streaming)

    async def ready(self) -> bool:
        """Whether there is a connection to the server; waits a moment for one."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._channel.channel_ready()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        await self._channel.close()

    def _callable(self, rpc: Rpc) -> Any:
        if (found := self._callables.get(rpc.path)) is None:
            kind = {
                (False, False): self._channel.unary_unary,
                (False, True): self._channel.unary_stream,
                (True, False): self._channel.stream_unary,
                (True, True): self._channel.stream_stream,
            }[rpc.client_streaming, rpc.server_streaming]
            found = self._callables[rpc.path] = kind(rpc.path)
        return found


class RemoteCall:
    """One call over the channel."""

    def __init__(self, call: Any, *, streaming: bool) -> None:
        self._call = call
        self._streaming = streaming
        self._answered = False
        self._trailing: Metadata = ()

    def __aiter__(self) -> "RemoteCall":
        return self

    async def __anext__(self) -> bytes:
        try:
            message = await self._next()
        except grpc.aio.AioRpcError as error:
            raise failure_of(error.code(), error.details(), _pairs(error.trailing_metadata())) from None
        if message is not grpc.aio.EOF:
            return message  # type: ignore[no-any-return]
        self._trailing = _pairs(await self._call.trailing_metadata())
        if (code := await self._call.code()) is not grpc.StatusCode.OK:
            raise failure_of(code, await self._call.details(), self._trailing)
        raise StopAsyncIteration

    async def initial_metadata(self) -> Metadata:
        return _pairs(await self._call.initial_metadata())

    def trailing_metadata(self) -> Metadata:
        return self._trailing

    async def aclose(self) -> None:
        self._call.cancel()

    async def _next(self) -> Any:
        if self._streaming:
            return await self._call.read()
        if self._answered:
            return grpc.aio.EOF
        self._answered = True
        return await self._call


def _pairs(metadata: Any) -> Metadata:
    return tuple((str(key), value) for key, value in metadata or ())
