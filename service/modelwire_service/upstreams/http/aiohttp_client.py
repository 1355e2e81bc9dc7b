"""Upstreams over aiohttp, the default: the fastest client measured.

Theory of operation. A session is made inside the running loop at the first request and keeps connections
alive. aiohttp's `sock_read` timer serves twice, without a timer of ours a piece: it waits `first_byte`
until the body begins, then it is set to `idle`.

A kept-alive connection may be closed by its server at the very moment a request goes out on it. The
request is then sent once more, over a connection made for it, but only if the connection had been used
before, it broke within a second (a stale one shows itself in a round trip) and nothing of an answer came.
A server that closes an idle connection has not read the request. Should one read it and die at once, a
completion or an embedding is computed twice: POST is not idempotent, but these change nothing at the
upstream but its bill. A failure on a fresh connection, or a late one, is told to the caller.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from modelwire_service.errors import ServiceError
from modelwire_service.upstreams.http import causes
from modelwire_service.upstreams.http.base import Request, Response, Timeouts

_STALE_SHOWS_WITHIN = 1.0
_KEEPALIVE = 15.0
_STREAMED_FROM = 1 << 20  # bytes of body above which aiohttp warns unless it may send it in parts

_NOT_SENT = (
    aiohttp.ClientConnectorError,  # refused, DNS, TLS, unix sockets and proxies are its subclasses
    aiohttp.ServerFingerprintMismatch,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.RedirectClientError,
)
_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientConnectionResetError)
_FAILURES = (aiohttp.ClientError, OSError, TimeoutError, ValueError)

_reused: ContextVar[bool] = ContextVar("reused", default=False)


class AiohttpClient:
    """An `HttpClient` over aiohttp. With `unix_socket`, a path, all requests go there whatever their host."""

    def __init__(self, timeouts: Timeouts, *, unix_socket: str | None = None) -> None:
        self._timeouts = timeouts
        self._unix_socket = unix_socket
        self._pooled: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> Response:
        started = asyncio.get_running_loop().time()
        try:
            return await self._send(self._session(), request)
        except _STALE as error:
            if not _reused.get() or asyncio.get_running_loop().time() - started > _STALE_SHOWS_WITHIN:
                raise explained(error, self._timeouts) from error
        except _FAILURES as error:
            raise explained(error, self._timeouts) from error
        return await self._send_afresh(request)

    async def aclose(self) -> None:
        session, self._pooled = self._pooled, None
        if session is not None:
            await session.close()

    async def _send_afresh(self, request: Request) -> Response:
        # Closing the session with the connector left open lets the answer be read on.
        session = self._new_session(force_close=True)
        try:
            return await self._send(session, request)
        except _FAILURES as error:
            raise explained(error, self._timeouts) from error
        finally:
            session.detach()

    async def _send(self, session: aiohttp.ClientSession, request: Request) -> Response:
        _reused.set(False)
        body = request.body if len(request.body) < _STREAMED_FROM else io.BytesIO(request.body)
        # aiohttp's read timer starts when the body is written; a body the upstream never reads is bounded here.
        async with asyncio.timeout(self._timeouts.connect + self._timeouts.first_byte):
            response = await session.request(
                request.method, request.url, headers=request.headers, data=body or None, allow_redirects=False
            )
        return _AiohttpResponse(response, self._timeouts)

    def _session(self) -> aiohttp.ClientSession:
        if self._pooled is None:
            self._pooled = self._new_session(force_close=False)
        return self._pooled

    def _new_session(self, *, force_close: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=self._connector(force_close),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, connect=self._timeouts.connect, sock_read=self._timeouts.first_byte
            ),
        )
