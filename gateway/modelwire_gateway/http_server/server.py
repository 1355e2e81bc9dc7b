"""An HTTP/1.1 server for one ASGI app: uvicorn's protocol without uvicorn's process management.

`uvicorn.Server` installs signal handlers, exits the process where a port is taken and looks ten times a
second whether it should stop. Its protocol needs none of that, only its configuration and shared state.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Final

from uvicorn.config import Config
from uvicorn.server import ServerState

from modelwire_gateway.asgi import App
from modelwire_gateway.http_server.acceptor import Acceptor
from modelwire_gateway.http_server.address import UnixAddress, bound_address, listen, parse_address
from modelwire_gateway.http_server.hangup_watch import HangUpWatch
from modelwire_gateway.http_server.protocol import ARRIVAL_SECONDS, STALL_SECONDS, EdgeProtocol
from modelwire_gateway.http_server.tls_connection import TlsConnection
from modelwire_gateway.requests.refusals import shutting_down

_KEEP_ALIVE_SECONDS: Final = 75
_HEED_SECONDS: Final = 0.25

_logger = logging.getLogger(__name__)


class HttpServer:
    """Serves `app` at `address` (`HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`; port 0 picks a free port).

    Runs on whichever event loop runs `start`, leaves signals alone, writes no access log. A request head
    must arrive within `arrival_seconds`, and a body may not pause longer; an answer that is left lying for
    `stall_seconds` breaks off. Connections beyond `max_connections` are turned away. With `tls` it serves TLS alone:
    that gives the context of each connection, whose handshake must be done, and the first head there,
    within `arrival_seconds`. Several processes may serve one address, and get connections by turns: a port if all
    have `reuse_port`, a socket file if all have the same `listener`, which whoever made it removes. Raises ValueError
    where `address` is none.
    """

    def __init__(
        self,
        app: App,
        address: str,
        *,
        arrival_seconds: float = ARRIVAL_SECONDS,
        stall_seconds: float = STALL_SECONDS,
        max_connections: int | None = None,
        tls: Callable[[], ssl.SSLContext] | None = None,
        reuse_port: bool = False,
        listener: socket.socket | None = None,
    ) -> None:
        self.address = address
        self._place = parse_address(address)
        self._state = ServerState()
        self._connections: set[EdgeProtocol] = self._state.connections  # type: ignore[assignment]
        self._protocol = partial(
            EdgeProtocol,
            _config(app),
            self._state,
            {},
            arrival_seconds=arrival_seconds,
            stall_seconds=stall_seconds,
            max_connections=max_connections,
        )
        self._tls = tls
        self._reuse_port = reuse_port
        self._given = listener
        self._acceptor: Acceptor | None = None
        self._hang_ups: HangUpWatch | None = None
        self._clock: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listens; from then on `address` is the one really bound. Raises OSError where it is taken."""
        loop = asyncio.get_running_loop()
        sock = self._given or await listen(self._place, reuse_port=self._reuse_port)
        self.address = bound_address(sock)
        self._tell_time()
        self._hang_ups = HangUpWatch(loop)
        connection = partial(self._protocol, hang_ups=self._hang_ups)
        self._acceptor = Acceptor(sock, connection if self._tls is None else _secured(connection, self._tls))

    async def drain(self, grace_seconds: float) -> None:
        """Stops: takes no connection, lets what runs finish for `grace_seconds`, then cuts it off.

        Running requests answer with `connection: close`; idle connections close at once. A request past
        the grace sees http.disconnect and is cancelled if it does not heed it. Calling it again, while
        it waits, with a shorter grace shortens it.
        """
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            await acceptor.close()
            self._remove_socket_file()
        if not await self._finished_within(grace_seconds):
            await self._cut_off()
        if self._clock is not None:
            self._clock.cancel()
        if self._hang_ups is not None:
            self._hang_ups.close()

    def _remove_socket_file(self) -> None:
        if isinstance(self._place, UnixAddress) and self._given is None:
            Path(self._place.path).unlink(missing_ok=True)

    async def _cut_off(self) -> None:
        if self._state.tasks:
            _logger.warning("cutting off requests that outlived the grace period: %d", len(self._state.tasks))
        for connection in set(self._connections):
            connection.cut_off(shutting_down())
        if await self._finished_within(_HEED_SECONDS):
            return
        for task in self._state.tasks:
            task.cancel()
        for connection in set(self._connections):
            connection.transport.abort()
        await self._finished_within(_HEED_SECONDS)

    async def _finished_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._finished()
        except TimeoutError:
            return False
        return True

    async def _finished(self) -> None:
        while connections := set(self._connections):
            for connection in connections:
                connection.shutdown()
            await asyncio.wait([connection.closed for connection in connections])
        if self._state.tasks:
            await asyncio.wait(self._state.tasks)

    def _tell_time(self) -> None:
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        self._clock = asyncio.get_running_loop().call_later(1.0, self._tell_time)


def _secured(connection: Callable[[], EdgeProtocol], tls: Callable[[], ssl.SSLContext]) -> Callable[[], TlsConnection]:
    return lambda: TlsConnection(tls(), connection())


def _config(app: App) -> Config:
    config = Config(
        app,
        http=EdgeProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        workers=1,
    )
    config.load()
    return config
