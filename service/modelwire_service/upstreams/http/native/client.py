"""The adapter: requests in, answers out."""

import ssl
from functools import lru_cache

from modelwire_service.upstreams.http import causes
from modelwire_service.upstreams.http.base import Request, Timeouts
from modelwire_service.upstreams.http.native.connection import StaleConnection
from modelwire_service.upstreams.http.native.dial import Dialer
from modelwire_service.upstreams.http.native.pool import Pool
from modelwire_service.upstreams.http.native.request_head import Origin, RequestHead
from modelwire_service.upstreams.http.native.response import NativeResponse

_KEPT_HEADS = 256  # those of an upstream: keys times paths


class NativeClient:
    """An `HttpClient` of our own. With `unix_socket`, a path, every request goes there, whatever its host.

    `tls` says whom to trust, the system's authorities if it is not given.

    A kept-alive connection may be closed by its server at the very moment a request goes out on it. The request is then
    sent once more, over a connection made for it, but only if the connection had been used before, it broke within a
    second (a stale one shows itself in a round trip) and nothing of an answer came. A server that closes an idle
    connection has not read the request. Should one read it and die at once, a completion or an embedding is computed
    twice: POST is not idempotent, but these change nothing at the upstream but its bill.
    """

    def __init__(
        self, timeouts: Timeouts, *, unix_socket: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._timeouts = timeouts
        self._dialer = Dialer(timeouts, unix_socket, tls)
        self._pools: dict[Origin, Pool] = {}
        self._head_of = lru_cache(_KEPT_HEADS)(RequestHead.of)

    async def send(self, request: Request) -> NativeResponse:
        try:
            head = self._head_of(request.method, request.url, tuple(request.headers.items()))
        except ValueError as error:
            raise causes.not_reached(error) from error
        pool = self._pools.get(head.origin) or self._made_pool(head.origin)
        lines = head.before(len(request.body))
        connection = pool.take() or await pool.wait()
        try:
            return await connection.exchange(lines, request.body)
        except StaleConnection:
            pass
        made = await pool.dial()
        return await made.exchange(lines, request.body)

    def _made_pool(self, origin: Origin) -> Pool:
        pool = self._pools[origin] = Pool(origin, self._dialer, self._timeouts)
        return pool

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()
