"""Runs the REST gateway alone, in front of a remote gRPC service."""

import logging
from collections.abc import Sequence
from pathlib import Path

from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.descriptors import DescriptorError, built_in_services, services_in_image
from modelwire_gateway.http_server import HttpServer, Operations
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.routes import RouteErrors

from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.settings import ConfigurationError, Settings

_log = logging.getLogger("modelwire.gateway")


async def run_gateway(settings: Settings) -> None:
    """Serves REST for `settings.target` until SIGTERM or SIGINT, then drains.

    Raises ConfigurationError for descriptors that cannot be served, and OSError for a taken port.
    """
    stop = stop_signal()
    backend = RemoteBackend(settings.target, max_request_bytes=settings.max_request_bytes)
    app = _transcoder(_services(settings.descriptor_set), backend, settings)
    server = HttpServer(Operations(app, backend.ready), settings.http_address)
    try:
        await server.start()
        print(f"target  {settings.target}\n{banner((), None, server)}", flush=True)  # noqa: T201
        if not await backend.ready():
            _log.warning("the target does not answer", extra={"fields": {"target": settings.target}})
        await stop.wait()
        _log.info("draining", extra={"fields": {"seconds": settings.drain_seconds}})
    finally:
        await server.drain(settings.drain_seconds)
        await backend.close()


def _services(images: Sequence[Path]) -> list[ServiceDescriptor]:
    """The services of all descriptor sets, or those of the built-in contract if there are none."""
    if not images:
        return list(built_in_services())
    services: list[ServiceDescriptor] = []
    for path in images:
        try:
            services.extend(services_in_image(path.read_bytes()))
        except DescriptorError as error:
            raise ConfigurationError([f"descriptor_set: {path}: {error}"]) from None
        except OSError as error:
            raise ConfigurationError([f"descriptor_set: {path}: {error.strerror}"]) from None
    return services


def _transcoder(services: Sequence[ServiceDescriptor], backend: RemoteBackend, settings: Settings) -> Transcoder:
    try:
        options = GatewayOptions(max_request_bytes=settings.max_request_bytes, log_calls=True)
        return Transcoder(services, backend, options)
    except RouteErrors as error:
        raise ConfigurationError(list(error.complaints)) from None
