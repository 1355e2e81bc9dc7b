"""The doors of one process: gRPC, and REST over the same handlers."""

import asyncio

from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.descriptors import built_in_services
from modelwire_gateway.http_server import HttpServer, Operations
from modelwire_gateway.options import GatewayOptions

from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.server import GrpcServer, call_interceptors, service_handlers
from modelwire_service.settings import Settings


class Doors:
    """Both doors of `catalog`, or gRPC alone if `settings` say so. Raises OSError for a taken port."""

    def __init__(self, settings: Settings, catalog: ModelCatalog) -> None:
        handlers = service_handlers(catalog)
        limit = settings.max_request_bytes
        self.grpc = GrpcServer(handlers, address=settings.grpc_address, max_request_bytes=limit)
        self.http: HttpServer | None = None
        if not settings.no_http:
            backend = LocalBackend(handlers, call_interceptors())
            app = Transcoder(built_in_services(), backend, GatewayOptions(max_request_bytes=limit))
            self.http = HttpServer(Operations(app, backend.ready), settings.http_address)

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
