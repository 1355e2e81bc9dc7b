"""The HTTP door, as `modelwire serve` and `modelwire gateway` both have it."""

import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from modelwire_gateway.app import Transcoder
from modelwire_gateway.http_server import HttpServer
from modelwire_gateway.middleware import HostPolicy, front
from modelwire_gateway.openapi import ServedDocument
from modelwire_gateway.options import GatewayOptions

from modelwire_service import __version__
from modelwire_service.command_line.gateway_options import cors_policy
from modelwire_service.settings import Settings


class HttpDoor:
    """Serves what `transcoder` does with `options`, and the operators' paths.

    `ready` tells whether calls can be served. `images` are the descriptor sets with the comments that become
    descriptions in the OpenAPI document; its title is made of the services' packages if none is given. `hosts` are
    those answered to, all if None. With `tls` it serves TLS alone. `reuse_port` and `listener` are for an address that
    several processes serve.
    """

    def __init__(
        self,
        transcoder: Transcoder,
        ready: Callable[[], Awaitable[bool]],
        settings: Settings,
        options: GatewayOptions,
        *,
        images: Sequence[bytes],
        title: str | None = None,
        hosts: HostPolicy | None = None,
        tls: Callable[[], ssl.SSLContext] | None = None,
        reuse_port: bool = False,
        listener: socket.socket | None = None,
    ) -> None:
        document = ServedDocument(
            lambda: transcoder.routes, title=title, version=__version__, options=options, images=images
        )
        cors = cors_policy(settings)
        self._front = front(
            transcoder, ready=ready, openapi=document, cors=cors, hosts=hosts, compress=settings.compression
        )
        self._server = HttpServer(
            self._front.app,
            settings.http_address,
            max_connections=settings.max_connections,
            tls=tls,
            reuse_port=reuse_port,
            listener=listener,
        )
        self.scheme = "http" if tls is None else "https"

    @property
    def address(self) -> str:
        return self._server.address

    async def start(self) -> None:
        """Listens; raises OSError where the address is taken."""
        await self._server.start()

    def say_closing(self) -> None:
        """Refuses what comes from here on, while it still listens."""
        self._front.close()

    async def drain(self, grace_seconds: float) -> None:
        """Stops listening and lets the running requests finish, for `grace_seconds` at most."""
        await self._server.drain(grace_seconds)
