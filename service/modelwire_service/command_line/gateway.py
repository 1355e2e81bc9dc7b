"""Runs the REST gateway alone, in front of a remote gRPC service."""

from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.descriptors import built_in_services
from modelwire_gateway.http_server import HttpServer, Operations
from modelwire_gateway.options import GatewayOptions

from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.settings import Settings


async def run_gateway(settings: Settings) -> None:
    """Serves REST for `settings.target` until SIGTERM or SIGINT, then drains. Raises OSError for a taken port."""
    stop = stop_signal()
    backend = RemoteBackend(settings.target, max_request_bytes=settings.max_request_bytes)
    options = GatewayOptions(max_request_bytes=settings.max_request_bytes)
    app = Operations(Transcoder(built_in_services(), backend, options), backend.ready)
    server = HttpServer(app, settings.http_address)
    try:
        await server.start()
        print(banner((), None, server), flush=True)  # noqa: T201
        await stop.wait()
    finally:
        await server.drain(settings.drain_seconds)
        await backend.close()
