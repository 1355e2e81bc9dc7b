"""Runs both doors of one process until it is to stop."""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.prepared import Prepared, prepare
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.errors import ServiceError
from modelwire_service.limits.base import Limiter
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.settings import Settings
from modelwire_service.tls.server import watched
from modelwire_service.upstreams.base import Upstream

if TYPE_CHECKING:
    from modelwire_service.command_line.doors import Doors
    from modelwire_service.upstreams.embedded.adapter import EmbeddedModels

_log = logging.getLogger("modelwire.serve")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a server has around it: when it is to stop, whom it tells that it serves, and what it shares with others.

    It makes itself what is None: the limiter, the embedded models, the socket that HTTP listens on.
    """

    stop: asyncio.Event
    tell: "Callable[[Prepared, Doors], None]"
    limiter: Limiter | None = None
    models: "EmbeddedModels | None" = None
    listener: socket.socket | None = None


async def serve(settings: Settings, environment: Mapping[str, str]) -> None:
    """Serves until SIGTERM or SIGINT, then drains. Raises ConfigurationError, and OSError for a taken port."""
    await serve_in(Surroundings(stop_signal(), _print_banner), settings, environment)


async def serve_in(around: Surroundings, settings: Settings, environment: Mapping[str, str]) -> None:
    """Serves until it is to stop, then drains. Raises what `serve` raises."""
    prepared = prepare(settings, environment, around.models)
    async with _started(prepared.catalog) as starting:
        # Importing the doors takes half a second, in which the embedded models load in a process of their own.
        await asyncio.to_thread(import_module, "modelwire_service.command_line.doors")
        from modelwire_service.command_line.doors import Doors
        from modelwire_service.command_line.entrance import opened_entrance

        async with opened_entrance(settings, around.limiter) as entrance, watched(prepared.certificates):
            doors = Doors(settings, prepared.catalog, entrance, prepared.certificates, around.listener)
            await doors.open()
            notice = 0.0
            try:
                await starting
                _settle_garbage()
                around.tell(prepared, doors)
                await around.stop.wait()
                notice = settings.drain_notice_seconds
                _log.info("draining", extra={"fields": {"seconds": settings.drain_seconds}})
            finally:
                await doors.drain(notice, settings.drain_seconds)


def _settle_garbage() -> None:
    """What the start has left stays to the end: no collection looks at it again, and there are fewer of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _print_banner(prepared: Prepared, doors: "Doors") -> None:
    print(banner(prepared.configured, doors.grpc, doors.http, asks=doors.ask), flush=True)  # noqa: T201


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
