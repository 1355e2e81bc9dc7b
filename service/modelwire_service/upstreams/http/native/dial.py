"""Connections made: names looked up, their addresses tried, TLS agreed on."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from aiohappyeyeballs import start_connection

from modelwire_service.upstreams.http import causes
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.native.connection import Connection
from modelwire_service.upstreams.http.native.request_head import Origin
from modelwire_service.upstreams.http.native.resolver import Resolver

_ALPN: Final = ["http/1.1"]
_NEXT_ADDRESS_AFTER: Final = 0.25  # seconds; RFC 8305, section 5
_NOT_REACHED: Final = (OSError, RuntimeError, ValueError)  # the last two: uvloop's, and a name that is none


class Dialer:
    """Makes connections, within the time there is for one. With `unix_socket`, a path, all lead there.

    `tls` says whom to trust, the system's authorities if it is not given.
    """

    def __init__(self, timeouts: Timeouts, unix_socket: str | None, tls: ssl.SSLContext | None) -> None:
        self._timeouts = timeouts
        self._unix_socket = unix_socket
        self._tls = tls
        if tls is not None:
            tls.set_alpn_protocols(_ALPN)
        self._names = Resolver()

    async def dial(self, origin: Origin, make: Callable[[], Connection]) -> Connection:
        """Raises UpstreamUnavailable, told as not sent."""
        try:
            async with asyncio.timeout(self._timeouts.connect) as limit:
                return await self._connected(origin, make)
        except _NOT_REACHED as error:
            if limit.expired():
                raise causes.not_reached_in_time(self._timeouts) from error
            raise causes.not_reached(error) from error

    async def _connected(self, origin: Origin, make: Callable[[], Connection]) -> Connection:
        loop, made, options = asyncio.get_running_loop(), make(), self._tls_options(origin)
        try:
            if self._unix_socket is not None:
                await loop.create_unix_connection(lambda: made, self._unix_socket, **options)
            else:
                connected = await self._socket(origin)
                await loop.create_connection(lambda: made, sock=connected, **options)
        except BaseException:
            made.give_up()
            raise
        return made

    async def _socket(self, origin: Origin) -> socket.socket:
        addresses = await self._names.addresses(origin.host, origin.port)
        return await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER, interleave=1)

    def _tls_options(self, origin: Origin) -> dict[str, Any]:
        if not origin.tls:
            return {}
        self._tls = self._tls or _system_trust()
        return {
            "ssl": self._tls,
            "server_hostname": origin.host.removesuffix("."),
            "ssl_handshake_timeout": self._timeouts.connect,
        }


@cache
def _system_trust() -> ssl.SSLContext:
    """Read at the first call over TLS, because it takes a twentieth of a second."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(_ALPN)
    return context
