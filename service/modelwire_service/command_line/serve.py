"""Runs both doors in one process until a signal."""

import asyncio
import logging
from collections.abc import Mapping
from importlib import import_module

from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.errors import ServiceError
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.settings import Settings, upstreams_of
from modelwire_service.upstreams.base import Upstream
from modelwire_service.upstreams.registry import build_catalog

_log = logging.getLogger("modelwire.serve")


async def serve(settings: Settings, environment: Mapping[str, str]) -> None:
    """Serves until SIGTERM or SIGINT, then drains. Raises ConfigurationError, and OSError for a taken port."""
    configured = upstreams_of(settings, environment)
    catalog = build_catalog(configured, environment)
    stop = stop_signal()
    starting = asyncio.create_task(_start_upstreams(catalog))
    try:
        # Importing the doors takes half a second, in which the embedded models load in a process of their own.
        await asyncio.to_thread(import_module, "modelwire_service.command_line.doors")
        from modelwire_service.command_line.doors import Doors

        doors = Doors(settings, catalog)
        await doors.open()
        try:
            await starting
            print(banner(configured, doors.grpc, doors.http), flush=True)  # noqa: T201
            await stop.wait()
            _log.info("draining", extra={"fields": {"seconds": settings.drain_seconds}})
        finally:
            await doors.drain(settings.drain_seconds)
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
