"""Calls a gRPC server over a channel, any method by its path, messages as bytes."""

import asyncio
import json
from collections.abc import AsyncIterable
from typing import Any, Final

import grpc

from modelwire_gateway.backends.base import Metadata, Request, Rpc
from modelwire_gateway.backends.status import failure_of
from modelwire_gateway.options import MAX_REQUEST_BYTES

_MAX_BACKOFF_MS: Final = 1_000
_CONNECT_SECONDS: Final = 1.0
_METADATA_BYTES: Final = 64 * 1024
PING_SECONDS: Final = 310.0
"""How long a call may wait without a word from the server until that is asked for a sign of life.

Servers break a connection off on which they are asked more often than every 300 s, where nobody told them otherwise
(`grpc.http2.min_ping_interval_without_data_ms`; grpc-go and grpc-java have the same). Theirs is the clock, so
there is some room.
"""
PONG_SECONDS: Final = 20.0
"""How long it may take to give one, or to take what it is sent, until it counts as gone."""
_LONGEST_TIMEOUT: Final = 1e9
"""In seconds. Longer ones overflow in gRPC, and end at once."""

REFLECTION_SERVICES: Final = tuple(f"grpc.reflection.{version}.ServerReflection" for version in ("v1", "v1alpha"))
MAX_REFLECTED_BYTES: Final = 64 * 2**20
"""The longest answer that is taken from one of them."""
# A service config (grpc/service_config/service_config.proto): a longer one is refused before it is in memory.
_REFLECTION_CONFIG: Final = {
    "name": [{"service": service} for service in REFLECTION_SERVICES],
    "maxResponseMessageBytes": MAX_REFLECTED_BYTES,
}


class RemoteBackend:
    """Calls the server at `target` ("host:port" or "unix:/path"), in plain text if there are no `credentials`.

    `max_request_bytes` bounds what is sent; answers are not bounded, since streams and lists of vectors are large,
    but for those of server reflection. A call fails if the server does not take what it is sent within `pong_seconds`,
    or does not answer a ping, which it is sent after `ping_seconds` of silence. The channel is made when it is first
    used, until when no event loop need run, and made anew when another loop runs: it serves one loop after the other,
    not several at a time.
    """

    def __init__(
        self,
        target: str,
        *,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        credentials: grpc.ChannelCredentials | None = None,
        ping_seconds: float = PING_SECONDS,
        pong_seconds: float = PONG_SECONDS,
    ) -> None:
        self._target = target
        self._credentials = credentials
        self._options = (
            ("grpc.max_send_message_length", max_request_bytes),
            ("grpc.max_receive_message_length", -1),
            ("grpc.service_config", json.dumps({"methodConfig": [_REFLECTION_CONFIG]})),
            # The target is who is named as such, not what `http_proxy` in the environment says of web pages.
            ("grpc.enable_http_proxy", 0),
            # As much as a request's head may take. Between two different limits, gRPC refuses at random.
            ("grpc.max_metadata_size", _METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
            # A server that comes back after an hour must not be left alone for two minutes more.
            ("grpc.max_reconnect_backoff_ms", _MAX_BACKOFF_MS),
            # Nor one that comes back at another address of its name, for half a minute.
            ("grpc.dns_min_time_between_resolutions_ms", _MAX_BACKOFF_MS),
            *_signs_of_life(ping_seconds, pong_seconds),
        )
        self._made: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._callables: dict[str, Any] = {}

    def call(
        self, rpc: Rpc, request: Request | AsyncIterable[bytes], *, metadata: Metadata, timeout: float | None
    ) -> "RemoteCall":
        limit = None if timeout is None else min(timeout, _LONGEST_TIMEOUT)
        callable_, sent = self._callable(rpc), tuple(metadata)
        if isinstance(request, AsyncIterable):
            return RemoteCall(callable_(metadata=sent, timeout=limit), rpc, sent, request)
        return RemoteCall(callable_(request, metadata=sent, timeout=limit), rpc, sent)

    async def ready(self) -> bool:
        """Whether there is a connection to the server; waits a moment for one."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._channel.channel_ready()
        except TimeoutError:
            return False
        return True

    async def reconnected(self) -> None:
        """Returns when a connection to the server is made, or made again; meanwhile keeps trying to make one."""
        state = None
        while state is not grpc.ChannelConnectivity.READY:
            await self._channel.wait_for_state_change(self._channel.get_state(try_to_connect=True))
            state = self._channel.get_state(try_to_connect=True)

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()

    @property
    def _channel(self) -> grpc.aio.Channel:
        loop = asyncio.get_running_loop()
        if self._made is None or self._loop is not loop:
            self._made = self._channel_made()
            self._loop = loop
            self._callables.clear()
        return self._made

    def _channel_made(self) -> grpc.aio.Channel:
        if self._credentials is None:
            return grpc.aio.insecure_channel(self._target, options=self._options)
        return grpc.aio.secure_channel(self._target, self._credentials, options=self._options)

    def _callable(self, rpc: Rpc) -> Any:
        channel = self._channel
        if (found := self._callables.get(rpc.path)) is None:
            kind = {
                (False, False): channel.unary_unary,
                (False, True): channel.unary_stream,
                (True, False): channel.stream_unary,
                (True, True): channel.stream_stream,
            }[rpc.client_streaming, rpc.server_streaming]
            found = self._callables[rpc.path] = kind(rpc.path)
        return found


class RemoteCall:
    """One call over the channel, made with `sent`; `requests`, if given, are sent while its answers are awaited."""

    def __init__(self, call: Any, rpc: Rpc, sent: Metadata, requests: AsyncIterable[bytes] | None = None) -> None:
        self._call = call
        self._sent = sent
        self._streaming = rpc.server_streaming
        self._sending = None if requests is None else asyncio.create_task(_send(call, requests))
        self._answered = False
        self._trailing: Metadata = ()

    def __aiter__(self) -> "RemoteCall":
        return self

    async def __anext__(self) -> bytes:
        try:
            message = await self._next()
        except grpc.aio.AioRpcError as error:
            raise failure_of(error.code(), error.details(), _pairs(error.trailing_metadata()), self._sent) from None
        if message is not grpc.aio.EOF:
            return message  # type: ignore[no-any-return]
        self._trailing = _pairs(await self._call.trailing_metadata())
        if (code := await self._call.code()) is not grpc.StatusCode.OK:
            raise failure_of(code, await self._call.details(), self._trailing, self._sent)
        raise StopAsyncIteration

    async def initial_metadata(self) -> Metadata:
        return _pairs(await self._call.initial_metadata())

    def trailing_metadata(self) -> Metadata:
        return self._trailing

    async def aclose(self) -> None:
        self._call.cancel()
        if self._sending is not None:
            self._sending.cancel()

    async def _next(self) -> Any:
        if self._streaming:
            return await self._call.read()
        if self._answered:
            return grpc.aio.EOF
        self._answered = True
        return await self._call


def _signs_of_life(ping_seconds: float, pong_seconds: float) -> tuple[tuple[str, int], ...]:
    """The options for a server that may vanish without a word, as machines do that lose their power.

    `grpc.keepalive_permit_without_calls` stays 0: servers let a connection without calls ask every two hours at most.
    """
    pong_ms = round(pong_seconds * 1000)
    return (
        ("grpc.keepalive_time_ms", round(ping_seconds * 1000)),
        # This is how long the kernel waits for what was sent to be acknowledged, a call's request or a ping.
        ("grpc.keepalive_timeout_ms", pong_ms),
        # And this how long gRPC waits for the answer to a ping, whatever its documentation says of the one before.
        ("grpc.http2.ping_timeout_ms", pong_ms),
        # Else two pings are all that a call gets that only waits.
        ("grpc.http2.max_pings_without_data", 0),
    )


async def _send(call: Any, requests: AsyncIterable[bytes]) -> None:
    """Sends the requests as long as the server takes them; cancels the call where they break off."""
    try:
        await call.wait_for_connection()
        async for request in requests:
            # What `call.write` would do, but that it puts INTERNAL in the place of the status with which a server
            # ended the call meanwhile.
            await call._cython_call.send_serialized_message(request)
        await call.done_writing()
    except (grpc.aio.InternalError, grpc.aio.AioRpcError):
        return  # the call has ended, and whoever awaits its answers is told how
    except (Exception, asyncio.CancelledError):
        call.cancel()


def _pairs(metadata: Any) -> Metadata:
    return tuple((str(key), value) for key, value in metadata or ())
