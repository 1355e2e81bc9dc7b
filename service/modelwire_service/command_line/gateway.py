"""Runs the REST gateway alone, in front of a remote gRPC service."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.http_server import HttpServer
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.routing.routes import Route, RouteErrors
from modelwire_gateway.sources.descriptors import DescriptorError, built_in_image
from modelwire_gateway.sources.reflection import ReflectionError, UnreachableError
from modelwire_gateway.sources.watch import ReflectionWatch

from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.descriptor_sets import read_descriptor_sets
from modelwire_service.command_line.gateway_options import gateway_options
from modelwire_service.command_line.http_door import http_door
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.settings import ConfigurationError, Settings

_log: Final = logging.getLogger("modelwire.gateway")


async def run_gateway(settings: Settings) -> None:
    """Serves REST for `settings.target` until SIGTERM or SIGINT, then drains.

    The descriptor sets say what to serve, or the target itself if there are none. Raises ConfigurationError for
    what cannot be served, and OSError for a taken port.
    """
    stop = stop_signal()
    options = gateway_options(settings)
    given = read_descriptor_sets(settings.descriptor_set)
    backend = RemoteBackend(settings.target, max_request_bytes=settings.max_request_bytes)
    transcoder = _transcoder(given.services if given.images else None, backend, options)
    watch = None if given.images else ReflectionWatch(backend, transcoder, settings.reflection_seconds)
    # Reflection tells no comments; those of the built-in contract are known here, should it be what is served.
    images = given.images or (built_in_image(),)
    server = http_door(transcoder, (watch or backend).ready, settings, options, images=images)
    watching: asyncio.Task[None] | None = None
    try:
        if watch is not None:
            await _first_look(watch)
            watching = asyncio.create_task(watch.run())
        await server.start()
        print(_banner(settings.target, transcoder.routes, server), flush=True)  # noqa: T201
        if not transcoder.routes and (watch is None or watch.known):
            _log.warning("nothing is served: no method has a google.api.http rule")
        if not await (watch or backend).ready():
            _log.warning("the target does not answer", extra={"fields": {"target": settings.target}})
        await stop.wait()
        _log.info("draining", extra={"fields": {"seconds": settings.drain_seconds}})
    finally:
        if watching is not None:
            watching.cancel()
        await server.drain(settings.drain_seconds)
        await backend.close()


def _transcoder(
    services: Sequence[ServiceDescriptor] | None, backend: RemoteBackend, options: GatewayOptions
) -> Transcoder:
    try:
        return Transcoder(services, backend, options)
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


def _banner(target: str, routes: Sequence[Route], server: HttpServer) -> str:
    """The lines of a start; the call to try is one that asks for nothing, if there is such a route."""
    known = f"routes  {len(routes)}" if routes else "routes  none as yet"
    plain = (str(route.template) for route in routes if route.http_method == "GET" and not route.template.variables)
    return f"target  {target}\n{known}\n{banner((), None, server, next(plain, '/openapi.json'))}"
