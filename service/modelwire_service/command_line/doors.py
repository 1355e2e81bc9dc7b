"""The doors of one process: gRPC, and REST over the same handlers."""

import asyncio
import socket
from typing import Final

from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.sources.descriptors import built_in_image, built_in_services

from modelwire_service.command_line.gateway_options import contract_options, host_policy
from modelwire_service.command_line.http_door import HttpDoor
from modelwire_service.command_line.openapi import BUILT_IN_TITLE
from modelwire_service.entrance import Entrance
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.server import GrpcServer, call_interceptors, service_handlers
from modelwire_service.settings import Settings
from modelwire_service.tls.grpc_credentials import server_credentials
from modelwire_service.tls.server import ServerCertificates

_LAST_WORDS_SECONDS: Final = 0.5


class Doors:
    """Both doors to the upstreams of `catalog`, by one `entrance`, or gRPC alone if `settings` say so.

    Both speak TLS alone if there are `certificates`. Where the settings have several workers, other processes may
    serve the same ports; `listener` is what they share in the place of a socket file of HTTP's. Raises OSError for a
    taken port.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: ModelCatalog,
        entrance: Entrance,
        certificates: ServerCertificates | None,
        listener: socket.socket | None = None,
    ) -> None:
        self._entrance = entrance
        handlers, interceptors = service_handlers(catalog), call_interceptors(entrance)
        self.grpc = GrpcServer(
            handlers,
            interceptors,
            address=settings.grpc_address,
            max_request_bytes=settings.max_request_bytes,
            credentials=server_credentials(certificates) if certificates else None,
            reuse_port=settings.workers > 1,
        )
        self.http: HttpDoor | None = None
        if not settings.no_http:
            backend = LocalBackend(handlers, interceptors, tailored=True)
            self.http = _http_door(settings, backend, entrance, certificates, listener)

    @property
    def ask(self) -> bool:
        """Whether callers are asked for a key."""
        return self._entrance.asks

    async def open(self) -> None:
        if self.http is not None:
            await self.http.start()
        await self.grpc.start()

    async def drain(self, notice_seconds: float, grace_seconds: float) -> None:
        """Refuses calls for `notice_seconds`, then takes none, and lets the running ones finish.

        The notice is for whoever sends calls here to find others that serve. Calls that still run `grace_seconds` after
        it are broken off, by an error that says why where the client still reads.
        """
        await self.grpc.say_not_serving()
        self._entrance.close()
        if self.http is not None:
            self.http.say_closing()
        await asyncio.sleep(notice_seconds)
        breaking_off = asyncio.get_running_loop().call_later(grace_seconds, self._entrance.break_off)
        drains = [self.grpc.drain(grace_seconds + _LAST_WORDS_SECONDS)]
        if self.http is not None:
            drains.append(self.http.drain(grace_seconds + _LAST_WORDS_SECONDS))
        await asyncio.gather(*drains)
        breaking_off.cancel()


def _http_door(
    settings: Settings,
    backend: LocalBackend,
    entrance: Entrance,
    certificates: ServerCertificates | None,
    listener: socket.socket | None,
) -> HttpDoor:
    options = contract_options(settings)
    return HttpDoor(
        Transcoder(built_in_services(), backend, options),
        backend.ready,
        settings,
        options,
        images=[built_in_image()],
        title=BUILT_IN_TITLE,
        hosts=None if entrance.asks and not settings.allowed_hosts else host_policy(settings),
        tls=certificates.context if certificates else None,
        reuse_port=settings.workers > 1,
        listener=listener,
    )
