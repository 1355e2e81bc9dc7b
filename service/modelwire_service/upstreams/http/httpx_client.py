"""Upstreams over any `httpx.AsyncBaseTransport`: the second adapter, and the one into which tests put theirs.

The transport is called directly, so httpx's client adds neither cookies nor redirects. Its one read timeout
cannot tell a slow start from silence midway: both are timed here. httpx's `trace` extension tells how far a
request got: whether a connection was made for it, and whether it was sent.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from modelwire_service.errors import ServiceError
from modelwire_service.upstreams.http import causes
from modelwire_service.upstreams.http.base import Request, Timeouts
from modelwire_service.upstreams.http.proxy import Proxy

STALE_SHOWS_WITHIN = 1.0  # seconds
_KEEPALIVE = 15.0  # seconds

_NOT_SENT = (
    httpx.ConnectError,  # refused, DNS and TLS
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
    ValueError,  # a header that is none
)
_NOT_CONNECTED = (httpx.ConnectTimeout, httpx.PoolTimeout)
_STALE = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
# TimeoutError is an OSError.
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, OSError, ValueError)


class HttpxClient:
    """An `HttpClient` over an httpx transport; by default httpx's own, without a limit on connections.

    Of that one, `tls` says whom to trust, the system's authorities if it is not given. With `proxy`, every request goes
    through it; no variable names one.

    A stale kept-alive connection is dealt with as `AiohttpClient` does, for the same reasons.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._timeouts = timeouts
        self._transport = transport or _transport(tls or ssl.create_default_context(), proxy)

    async def send(self, request: Request) -> "HttpxResponse":
        started = asyncio.get_running_loop().time()
        progress = self._progress()
        try:
            return await self._send(request, progress)
        except _FAILURES as error:
            elapsed = asyncio.get_running_loop().time() - started
            if not (progress.reused and isinstance(error, _STALE) and elapsed < STALE_SHOWS_WITHIN):
                raise explained(error, self._timeouts, tunnelling=progress.tunnelling) from error
        progress = self._progress()
        try:
            return await self._send(request, progress)
        except _FAILURES as error:
            raise explained(error, self._timeouts, tunnelling=progress.tunnelling) from error

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _send(self, request: Request, progress: "_Progress") -> "HttpxResponse":
        connect = self._timeouts.connect
        outgoing = httpx.Request(
            request.method,
            request.url,
            headers={"accept-encoding": "gzip, deflate", **request.headers},
            content=request.body,
            extensions={"timeout": {"connect": connect, "pool": connect}, "trace": progress.note},
        )
        try:
            async with progress.limit:
                response = await self._transport.handle_async_request(outgoing)
        except BaseException:
            await progress.close()
            raise
        return HttpxResponse(response, self._timeouts)

    def _progress(self) -> "_Progress":
        return _Progress(asyncio.timeout(self._timeouts.connect + self._timeouts.first_byte), self._timeouts)


def _transport(tls: ssl.SSLContext, proxy: Proxy | None) -> httpx.AsyncHTTPTransport:
    through = None
    if proxy is not None:
        headers = {"proxy-authorization": proxy.authorization} if proxy.authorization else {}
        through = httpx.Proxy(proxy.url, headers=headers)
    return httpx.AsyncHTTPTransport(verify=tls, proxy=through, limits=httpx.Limits(keepalive_expiry=_KEEPALIVE))


class HttpxResponse:
    """A `Response` over httpx, and the iterator of its own pieces."""

    def __init__(self, response: httpx.Response, timeouts: Timeouts) -> None:
        self._response = response
        self._body = response.aiter_bytes()
        self._timeouts = timeouts
        self._begun = False
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers.items())

    def pieces(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        timeouts = self._timeouts
        try:
            async with asyncio.timeout(timeouts.idle if self._begun else timeouts.first_byte):
                piece = await anext(self._body)
        except _FAILURES as error:
            await self._response.aclose()
            raise explained(error, timeouts, begun=self._begun) from error
        except asyncio.CancelledError:
            await self._response.aclose()
            raise
        self._begun = True
        return piece

    async def aclose(self) -> None:
        await self._response.aclose()


@dataclass(slots=True)
class _Progress:
    """How far a request got, by httpcore's trace events. Other transports send none, and nothing is assumed."""

    limit: asyncio.Timeout
    timeouts: Timeouts
    connected: bool = False
    sent: bool = False
    tunnelling: bool = False
    """Whether a proxy is being asked for a connection, or TLS is being agreed on over it."""
    opened: Any = None
    """The stream of the connection made for the request, until TLS has been agreed on over it.

    httpcore leaves it open where that is cancelled.
    """

    @property
    def reused(self) -> bool:
        return self.sent and not self.connected

    async def note(self, event: str, told: Mapping[str, Any]) -> None:
        if event.startswith("connection.connect_"):
            self.connected = True
            self.opened = told.get("return_value")
        elif event.endswith(".start_tls.complete"):
            self.opened = None
        elif event.endswith(".send_request_headers.started"):
            if self.tunnelling:
                self._allow(self.timeouts.connect + self.timeouts.first_byte)
            self.tunnelling = told["request"].method == b"CONNECT"
            self.sent = not self.tunnelling
        elif event.endswith(".receive_response_headers.started"):
            self._allow(self.timeouts.connect if self.tunnelling else self.timeouts.first_byte)

    async def close(self) -> None:
        if self.opened is not None:
            await self.opened.aclose()

    def _allow(self, seconds: float) -> None:
        self.limit.reschedule(asyncio.get_running_loop().time() + seconds)


def explained(
    error: BaseException, timeouts: Timeouts, *, begun: bool = False, tunnelling: bool = False
) -> ServiceError:
    """What httpx's error means to a caller; `begun` tells that some of the body had come.

    `tunnelling` is true while a proxy has yet to connect to the upstream.
    """
    if isinstance(error, httpx.ProxyError):
        return causes.not_let_through()
    if isinstance(error, _NOT_CONNECTED):
        return causes.not_reached_in_time(timeouts)
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        if tunnelling:
            return causes.not_reached_in_time(timeouts)
        return causes.silent_for_too_long(timeouts) if begun else causes.no_answer_in_time(timeouts)
    return causes.not_reached(error) if tunnelling or isinstance(error, _NOT_SENT) else causes.broke_off(error)
