"""Runs both doors in one process: gRPC, and REST over the same handlers, until a signal."""

import asyncio
from collections.abc import Mapping

import structlog
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.descriptors import built_in_services
from modelwire_gateway.http_server import HttpServer, Operations
from modelwire_gateway.options import GatewayOptions

from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.errors import ServiceError
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.server import GrpcServer, call_interceptors, service_handlers
from modelwire_service.settings import Settings, upstreams_of
from modelwire_service.upstreams.registry import build_catalog

_log = structlog.get_logger("modelwire")


async def serve(settings: Settings, environment: Mapping[str, str]) -> None:
    """Serves until SIGTERM or SIGINT, then drains. Raises ConfigurationError, and OSError for a taken port."""
    configured = upstreams_of(settings, environment)
    catalog = build_catalog(configured, environment)
    stop = stop_signal()
    handlers = service_handlers(catalog)
    grpc_server = GrpcServer(handlers, address=settings.grpc_address, max_request_bytes=settings.max_request_bytes)
    backend = LocalBackend(handlers, call_interceptors())
    http_server = None if settings.no_http else http_door(settings, backend)
    try:
        await _start_upstreams(catalog)
        await grpc_server.start()
        if http_server is not None:
            await http_server.start()
        print(banner(configured, grpc_server, http_server), flush=True)  # noqa: T201
        await stop.wait()
        _log.info("draining", seconds=settings.drain_seconds)
    finally:
        doors: list[GrpcServer | HttpServer] = [grpc_server] if http_server is None else [grpc_server, http_server]
        await asyncio.gather(*(door.drain(settings.drain_seconds) for door in doors))
        await asyncio.gather(*(upstream.close() for upstream in catalog.upstreams))


def http_door(settings: Settings, backend: LocalBackend) -> HttpServer:
    """The REST door of the built-in contract; bound, not started."""
    options = GatewayOptions(max_request_bytes=settings.max_request_bytes)
    app = Operations(Transcoder(built_in_services(), backend, options), backend.ready)
    return HttpServer(app, settings.http_address)


async def _start_upstreams(catalog: ModelCatalog) -> None:
    """Starts all upstreams; one that cannot start is logged and tried again when it is called."""

    async def start(name: str, starting: asyncio.Future[None]) -> None:
        try:
            await starting
        except ServiceError as error:
            _log.warning("upstream not ready", upstream=name, error=error.message)

    await asyncio.gather(
        *(start(upstream.name, asyncio.ensure_future(upstream.start())) for upstream in catalog.upstreams)
    )
