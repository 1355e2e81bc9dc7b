"""Upstreams over aiohttp, which also knows proxies, and resolvers that check what they find.

Theory of operation. Sessions are made inside the running loop at the first request. aiohttp's read timer
serves twice, so that no piece costs a timer of ours: it waits `first_byte` until the body begins, then it
is set to `idle`.

A kept-alive connection may be closed by its server at the very moment a request goes out on it. The
request is then sent once more, over a connection made for it, but only if the connection had been used
before, it broke within a second (a stale one shows itself in a round trip) and nothing of an answer came.
A server that closes an idle connection has not read the request. Should one read it and die at once, a
completion or an embedding is computed twice: POST is not idempotent, but these change nothing at the
upstream but its bill. A failure on a fresh connection, or a late one, is told to the caller.

A body whose chunks make no sense ends with its connection. aiohttp's parser in C forgets such a body, and whoever
waits for its next piece would do so for ever, without a timer; so each connection wakes its reader when it is lost.
"""

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary, WeakSet

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from modelwire_service.errors import ServiceError
from modelwire_service.upstreams.http import causes
from modelwire_service.upstreams.http.base import Request, Timeouts
from modelwire_service.upstreams.http.proxy import Proxy

STALE_SHOWS_WITHIN = 1.0  # seconds
_KEEPALIVE = 15.0  # seconds
_STREAMED_FROM = 1 << 20  # bytes; aiohttp warns about larger bodies unless it may send them in parts

_NOT_SENT = (
    aiohttp.ClientConnectorError,  # refused, DNS, TLS, unix sockets and proxies are its subclasses
    aiohttp.ClientHttpProxyError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.RedirectClientError,
    ValueError,  # a header that is none
)
_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientConnectionResetError)
_FAILURES = (aiohttp.ClientError, OSError, ValueError)  # TimeoutError is an OSError

_given: ContextVar["_Given | None"] = ContextVar("given", default=None)
_used: WeakSet[ResponseHandler] = WeakSet()
_read: WeakKeyDictionary[ResponseHandler, aiohttp.StreamReader] = WeakKeyDictionary()
"""The body that each connection brings."""


class AiohttpClient:
    """An `HttpClient` over aiohttp. With `unix_socket`, a path, every request goes there, whatever its host.

    `resolver` makes the resolver that names are looked up with, inside the running loop. `tls` says whom to trust, the
    system's authorities if it is not given. With `proxy`, every request goes through it; no variable names one.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        *,
        unix_socket: str | None = None,
        resolver: Callable[[], AbstractResolver] | None = None,
        tls: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._timeouts = timeouts
        self._unix_socket = unix_socket
        self._resolver = resolver
        self._tls = tls
        self._proxy = proxy
        # aiohttp sends it as Proxy-Authorization, to the proxy alone.
        self._proxy_headers = {"authorization": proxy.authorization} if proxy and proxy.authorization else None
        self._pooled: aiohttp.ClientSession | None = None
        self._unpooled: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> "AiohttpResponse":
        started = asyncio.get_running_loop().time()
        self._pooled = self._pooled or self._session(pooled=True)
        try:
            return await self._send(self._pooled, request)
        except _FAILURES as error:
            elapsed = asyncio.get_running_loop().time() - started
            given = _given.get()
            if not (given and given.reused and isinstance(error, _STALE) and elapsed < STALE_SHOWS_WITHIN):
                raise self._explained(error) from error
        self._unpooled = self._unpooled or self._session(pooled=False)
        try:
            return await self._send(self._unpooled, request)
        except _FAILURES as error:
            raise self._explained(error) from error

    def _explained(self, error: BaseException) -> ServiceError:
        return explained(error, self._timeouts, connected=_given.get() is not None)

    async def aclose(self) -> None:
        for session in (self._pooled, self._unpooled):
            if session is not None:
                await session.close()
        self._pooled = self._unpooled = None

    async def _send(self, session: aiohttp.ClientSession, request: Request) -> "AiohttpResponse":
        _given.set(None)
        body = request.body if len(request.body) < _STREAMED_FROM else io.BytesIO(request.body)
        # The read timer starts when the body is written; a body the upstream never reads is bounded here.
        async with asyncio.timeout(self._timeouts.connect + self._timeouts.first_byte):
            response = await session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=body or None,
                allow_redirects=False,
                proxy_headers=self._proxy_headers,
            )
        given = _given.get()
        return AiohttpResponse(response, self._timeouts, given.protocol if given else None)

    def _session(self, *, pooled: bool) -> aiohttp.ClientSession:
        timeouts, proxy = self._timeouts, self._proxy
        return aiohttp.ClientSession(
            connector=_connector(self._unix_socket, self._resolver, self._tls, pooled=pooled),
            proxy=proxy.url if proxy else None,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_read=timeouts.first_byte),
        )


class AiohttpResponse:
    """A `Response` over aiohttp, and the iterator of its own pieces."""

    def __init__(self, response: aiohttp.ClientResponse, timeouts: Timeouts, protocol: ResponseHandler | None) -> None:
        self._response = response
        self._protocol = protocol
        self._timeouts = timeouts
        self._begun = False
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        if protocol is not None:
            _read_from(protocol, response.content)
        if response.content.total_bytes:
            self._begin()

    def pieces(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._response.content.readany()
        except (*_FAILURES, RuntimeError) as error:  # the last is what a connection being closed gives
            self._response.close()
            raise explained(error, self._timeouts, begun=self._begun) from error
        except BaseException:
            self._response.close()
            raise
        if not piece:
            self._check_end()
            raise StopAsyncIteration
        if not self._begun:
            self._begin()
        return piece

    async def aclose(self) -> None:
        if not self._response.closed:  # it is at the end of a body, but for one of 101, which may switch protocols
            self._response.close()

    def _check_end(self) -> None:
        """A body that ends with its connection must end well: aiohttp takes a reset for the end of one."""
        if self._protocol is None or "content-length" in self.headers or "transfer-encoding" in self.headers:
            return
        if isinstance(error := self._protocol.exception(), OSError):
            raise explained(error, self._timeouts) from error

    def _begin(self) -> None:
        self._begun = True
        connection = self._response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = self._timeouts.idle
            connection.protocol.start_timeout()


def explained(error: BaseException, timeouts: Timeouts, *, begun: bool = False, connected: bool = True) -> ServiceError:
    """What aiohttp's error means to a caller; `begun` tells that some of the body had come.

    `connected` is false while not even a connection has come, to the upstream or through a proxy.
    """
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return causes.not_let_through()
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return causes.not_reached_in_time(timeouts)
    if isinstance(error, TimeoutError):
        return causes.silent_for_too_long(timeouts) if begun else causes.no_answer_in_time(timeouts)
    return causes.not_reached(error) if isinstance(error, _NOT_SENT) or not connected else causes.broke_off(error)


@dataclass(frozen=True, slots=True)
class _Given:
    """The connection a request got, and whether it was used before."""

    protocol: ResponseHandler
    reused: bool


class _TellsWhatItGave(aiohttp.BaseConnector):
    """Notes in the context of the task that asked which connection it got."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the name is aiohttp's
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        if connection.protocol is not None:
            _given.set(_Given(connection.protocol, connection.protocol in _used))
            if connection.protocol not in _used:
                _used.add(connection.protocol)
                _wake_when_lost(connection.protocol)
        return connection


def _wake_when_lost(protocol: ResponseHandler) -> None:
    if (closed := protocol.closed) is not None:
        closed.add_done_callback(partial(_wake, protocol))


def _read_from(protocol: ResponseHandler, body: aiohttp.StreamReader) -> None:
    _read[protocol] = body
    if (closed := protocol.closed) is None or closed.done():
        _wake(protocol, closed)


def _wake(protocol: ResponseHandler, closed: "asyncio.Future[None] | None") -> None:
    """Ends the body of a lost connection if nothing else has."""
    if closed is not None:
        closed.exception()  # asked for, or asyncio complains that nobody did
    body = _read.pop(protocol, None)
    if body is not None and not body.is_eof() and body.exception() is None:
        body.set_exception(aiohttp.ClientPayloadError("the connection was lost within a body"))


class _TcpConnector(_TellsWhatItGave, aiohttp.TCPConnector):
    pass


class _UnixConnector(_TellsWhatItGave, aiohttp.UnixConnector):
    pass


def _connector(
    unix_socket: str | None,
    resolver: Callable[[], AbstractResolver] | None,
    tls: ssl.SSLContext | None,
    *,
    pooled: bool,
) -> aiohttp.BaseConnector:
    """Without a limit on connections, which would queue callers silently. aiohttp sets TCP_NODELAY itself."""
    keepalive = _KEEPALIVE if pooled else None
    if unix_socket is not None:
        return _UnixConnector(unix_socket, limit=0, force_close=not pooled, keepalive_timeout=keepalive)
    made = resolver() if resolver is not None else None
    return _TcpConnector(limit=0, force_close=not pooled, keepalive_timeout=keepalive, resolver=made, ssl=tls or True)
