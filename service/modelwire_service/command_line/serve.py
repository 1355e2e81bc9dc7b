"""Runs both doors in one process until a signal."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module

from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.prepared import prepare
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.errors import ServiceError
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.settings import Settings
from modelwire_service.tls.server import watched
from modelwire_service.upstreams.base import Upstream

_log = logging.getLogger("modelwire.serve")


async def serve(settings: Settings, environment: Mapping[str, str]) -> None:
    """Serves until SIGTERM or SIGINT, then drains. Raises ConfigurationError, and OSError for a taken port."""
    prepared = prepare(settings, environment)
    stop = stop_signal()
    async with _started(prepared.catalog) as starting:
        # Importing the doors takes half a second, in which the embedded models load in a process of their own.
        await asyncio.to_thread(import_module, "modelwire_service.command_line.doors")
        from modelwire_service.command_line.doors import Doors
        from modelwire_service.command_line.entrance import opened_entrance

        async with opened_entrance(settings) as entrance, watched(prepared.certificates):
            doors = Doors(settings, prepared.catalog, entrance, prepared.certificates)
            await doors.open()
            notice = 0.0
            try:
                await starting
                print(banner(prepared.configured, doors.grpc, doors.http, asks=entrance.asks), flush=True)  # noqa: T201
                await stop.wait()
                notice = settings.drain_notice_seconds
                _log.info("draining", extra={"fields": {"seconds": settings.drain_seconds}})
            finally:
                await doors.drain(notice, settings.drain_seconds)


@asynccontextmanager
async def _started(catalog: ModelCatalog) -> AsyncIterator[asyncio.Task[None]]:
    """Starts all upstreams, in the task given, and closes them at the end of the block."""
    starting = asyncio.create_task(_start_upstreams(catalog))
    try:
        yield starting
    finally:
        starting.cancel()
        await asyncio.gather(*(upstream.close() for upstream in catalog.upstreams))


async def _start_upstreams(catalog: ModelCatalog) -> None:
    """Starts all upstreams; one that cannot start is logged, and tried again when it is called."""
    await asyncio.gather(*(_start(upstream) for upstream in catalog.upstreams))


async def _start(upstream: Upstream) -> None:
    try:
        await upstream.start()
    except ServiceError as error:
        fields = {"upstream": upstream.name, "error": error.message}
        _log.warning("upstream not ready", extra={"fields": fields})
