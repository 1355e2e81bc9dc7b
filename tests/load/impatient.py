"""The REST door of modelwire in the test's own loop, with less patience than the program has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from load.running import UpstreamProgram
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.http_server import HttpServer
from modelwire_gateway.sources.descriptors import built_in_services
from modelwire_service.server import call_interceptors, service_handlers
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.registry import build_catalog
from support.entrances import open_entrance


@asynccontextmanager
async def impatient_door(upstream: UpstreamProgram, seconds: float) -> AsyncIterator[HttpServer]:
    """Clients may let it wait for `seconds`, for what they send and for what they should read."""
    catalog = build_catalog([UpstreamSettings.model_validate(upstream.settings("steady"))], {})
    backend = LocalBackend(service_handlers(catalog), call_interceptors(open_entrance()))
    server = HttpServer(
        Transcoder(built_in_services(), backend), "127.0.0.1:0", arrival_seconds=seconds, stall_seconds=seconds
    )
    await server.start()
    try:
        yield server
    finally:
        await server.drain(0)
        for each in catalog.upstreams:
            await each.close()
