"""Runs the REST gateway alone, in front of a remote gRPC service."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.descriptors import DescriptorError, built_in_image, services_in_image
from modelwire_gateway.http_server import HttpServer, front
from modelwire_gateway.openapi import ServedDocument
from modelwire_gateway.reflection import ReflectionError, UnreachableError
from modelwire_gateway.reflection_watch import ReflectionWatch
from modelwire_gateway.routes import Route, RouteErrors

from modelwire_service import __version__
from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.gateway_options import cors_policy, gateway_options
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.settings import ConfigurationError, Settings

_log: Final = logging.getLogger("modelwire.gateway")


async def run_gateway(settings: Settings) -> None:
    """Serves REST for `settings.target` until SIGTERM or SIGINT, then drains.

    The descriptor sets say what to serve, or the target itself if there are none. Raises ConfigurationError for
    what cannot be served, and OSError for a taken port.
    """
    stop = stop_signal()
    images = [_image(path) for path in settings.descriptor_set]
    backend = RemoteBackend(settings.target, max_request_bytes=settings.max_request_bytes)
    services = None if not images else _services(settings.descriptor_set, images)
    transcoder = _transcoder(services, backend, settings)
    watch = ReflectionWatch(backend, transcoder, settings.reflection_seconds) if services is None else None
    server = _server(transcoder, watch or backend, images, settings)
    watching: asyncio.Task[None] | None = None
    try:
        if watch is not None:
            await _first_look(watch)
            watching = asyncio.create_task(watch.run())
        await server.start()
        print(_banner(settings.target, transcoder.routes, server), flush=True)  # noqa: T201
        if not await (watch or backend).ready():
            _log.warning("the target does not answer", extra={"fields": {"target": settings.target}})
        await stop.wait()
        _log.info("draining", extra={"fields": {"seconds": settings.drain_seconds}})
    finally:
        if watching is not None:
            watching.cancel()
        await server.drain(settings.drain_seconds)
        await backend.close()


def _image(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([f"descriptor_set: {path}: {error.strerror}"]) from None


def _services(paths: Sequence[Path], images: Sequence[bytes]) -> list[ServiceDescriptor]:
    services: list[ServiceDescriptor] = []
    for path, image in zip(paths, images, strict=True):
        try:
            services.extend(services_in_image(image))
        except DescriptorError as error:
            raise ConfigurationError([f"descriptor_set: {path}: {error}"]) from None
    return services


def _transcoder(services: Sequence[ServiceDescriptor] | None, backend: RemoteBackend, settings: Settings) -> Transcoder:
    try:
        return Transcoder(services, backend, gateway_options(settings))
    except RouteErrors as error:
        raise ConfigurationError(list(error.complaints)) from None


async def _first_look(watch: ReflectionWatch) -> None:
    """Serves what the target tells of; one that is not there is waited for."""
    try:
        await watch.look()
    except UnreachableError:
        pass
    except RouteErrors as error:
        raise ConfigurationError(list(error.complaints)) from None
    except (ReflectionError, DescriptorError) as error:
        raise ConfigurationError([f"target: {error}"]) from None


def _server(
    transcoder: Transcoder, source: ReflectionWatch | RemoteBackend, images: Sequence[bytes], settings: Settings
) -> HttpServer:
    document = ServedDocument(
        lambda: transcoder.routes,
        version=__version__,
        options=gateway_options(settings),
        # Reflection tells no comments; those of the built-in contract are known here, should it be what is served.
        images=images or [built_in_image()],
    )
    cors = cors_policy(settings)
    app = front(transcoder, ready=source.ready, openapi=document, cors=cors, compress=settings.compression)
    return HttpServer(app, settings.http_address)


def _banner(target: str, routes: Sequence[Route], server: HttpServer) -> str:
    """The lines of a start; the call to try is one that asks for nothing, if there is such a route."""
    known = f"routes  {len(routes)}" if routes else "routes  none as yet"
    plain = (str(route.template) for route in routes if route.http_method == "GET" and not route.template.variables)
    return f"target  {target}\n{known}\n{banner((), None, server, next(plain, '/openapi.json'))}"
