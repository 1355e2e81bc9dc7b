"""Runs the REST gateway alone, in front of a remote gRPC service."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.middleware import HostPolicy
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.routing.route_rules import Route
from modelwire_gateway.routing.routes import RouteErrors
from modelwire_gateway.sources.descriptors import DescriptorError, built_in_image
from modelwire_gateway.sources.reflection import ReflectionError, UnreachableError
from modelwire_gateway.sources.watch import ReflectionWatch

from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.descriptor_sets import read_descriptor_sets
from modelwire_service.command_line.gateway_options import gateway_options, host_policy
from modelwire_service.command_line.http_door import HttpDoor
from modelwire_service.command_line.prepared import Complaints
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.exposure import reachable_from_elsewhere
from modelwire_service.settings import ConfigurationError, Settings
from modelwire_service.tls.grpc_credentials import target_credentials
from modelwire_service.tls.server import ServerCertificates, server_certificates, watched

_log: Final = logging.getLogger("modelwire.gateway")


async def run_gateway(settings: Settings) -> None:
    """Serves REST for `settings.target` until SIGTERM or SIGINT, then drains.

    The descriptor sets say what to serve, or the target itself if there are none. Raises ConfigurationError for
    what cannot be served, and OSError for a taken port.
    """
    stop = stop_signal()
    options = gateway_options(settings)
    given = read_descriptor_sets(settings.descriptor_set)
    certificates, credentials = _tls(settings)
    async with AsyncExitStack() as stack:
        backend = RemoteBackend(settings.target, max_request_bytes=settings.max_request_bytes, credentials=credentials)
        stack.push_async_callback(backend.close)
        transcoder = _transcoder(given.services if given.images else None, backend, options)
        watch = None if given.images else ReflectionWatch(backend, transcoder, settings.reflection_seconds)
        ready = (watch or backend).ready
        door = HttpDoor(
            transcoder,
            ready,
            settings,
            options,
            # Reflection tells no comments; those of the built-in contract are known here, should it be what is served.
            images=given.images or (built_in_image(),),
            hosts=_host_policy(settings),
            tls=certificates.context if certificates else None,
        )
        if watch is not None:
            await _first_look(watch)
            stack.callback(asyncio.create_task(watch.run()).cancel)
        await stack.enter_async_context(watched(certificates))
        await door.start()
        await _serve_until(stop, door, settings, ready, transcoder, known=watch is None or watch.known)


async def _serve_until(
    stop: asyncio.Event,
    door: HttpDoor,
    settings: Settings,
    ready: Callable[[], Awaitable[bool]],
    transcoder: Transcoder,
    *,
    known: bool,
) -> None:
    """Tells what is served, and drains the door once it is to stop."""
    try:
        print(_banner(settings.target, transcoder.routes, door), flush=True)  # noqa: T201
        if known and not transcoder.routes:
            _log.warning("nothing is served: no method has a google.api.http rule")
        if not await ready():
            _log.warning("the target does not answer", extra={"fields": {"target": settings.target}})
        await stop.wait()
        _log.info("draining", extra={"fields": {"seconds": settings.drain_seconds}})
        door.say_closing()
        await asyncio.sleep(settings.drain_notice_seconds)
    finally:
        await door.drain(settings.drain_seconds)


def _tls(settings: Settings) -> tuple[ServerCertificates | None, grpc.ChannelCredentials | None]:
    """What the door shows and what the target is shown. Raises ConfigurationError with every complaint."""
    complaints = Complaints()
    certificates = complaints.made(lambda: server_certificates(settings))
    credentials = complaints.made(lambda: target_credentials(settings))
    complaints.tell()
    return certificates, credentials


def _host_policy(settings: Settings) -> HostPolicy | None:
    """Whether keys are asked for is the target's business; a gateway for this machine alone is kept to its names."""
    wide = reachable_from_elsewhere(settings.http_address) and not settings.allowed_hosts
    return None if wide else host_policy(settings)


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


def _banner(target: str, routes: Sequence[Route], door: HttpDoor) -> str:
    """The lines of a start; the call to try is one that asks for nothing, if there is such a route."""
    known = f"routes  {len(routes)}" if routes else "routes  none as yet"
    plain = (str(route.template) for route in routes if route.http_method == "GET" and not route.template.variables)
    return f"target  {target}\n{known}\n{banner((), None, door, next(plain, '/openapi.json'))}"
