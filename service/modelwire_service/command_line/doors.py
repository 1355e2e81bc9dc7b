"""The doors of one process: gRPC, and REST over the same handlers."""

import asyncio

from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.http_server import HttpServer
from modelwire_gateway.sources.descriptors import built_in_image, built_in_services

from modelwire_service.command_line.gateway_options import contract_options
from modelwire_service.command_line.http_door import http_door
from modelwire_service.command_line.openapi import BUILT_IN_TITLE
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.server import GrpcServer, call_interceptors, service_handlers
from modelwire_service.settings import Settings


class Doors:
    """Both doors of `catalog`, or gRPC alone if `settings` say so. Raises OSError for a taken port."""

    def __init__(self, settings: Settings, catalog: ModelCatalog) -> None:
        handlers = service_handlers(catalog)
        self.grpc = GrpcServer(handlers, address=settings.grpc_address, max_request_bytes=settings.max_request_bytes)
        self.http: HttpServer | None = None
        if not settings.no_http:
            self.http = _http_door(settings, LocalBackend(handlers, call_interceptors()))

    async def open(self) -> None:
        if self.http is not None:
            await self.http.start()
        await self.grpc.start()

    async def drain(self, grace_seconds: float) -> None:
        """Takes no more calls and lets the running ones finish, for `grace_seconds` at most."""
        drains = [self.grpc.drain(grace_seconds)]
        if self.http is not None:
            drains.append(self.http.drain(grace_seconds))
        await asyncio.gather(*drains)


def _http_door(settings: Settings, backend: LocalBackend) -> HttpServer:
    options = contract_options(settings)
    transcoder = Transcoder(built_in_services(), backend, options)
    images = [built_in_image()]
    return http_door(transcoder, backend.ready, settings, options, images=images, title=BUILT_IN_TITLE)
