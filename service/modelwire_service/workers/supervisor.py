"""Runs several workers that serve the same doors, until a signal.

What must not be multiplied is here: the addresses, the counts of the limits, the processes of the embedded models.
No call passes through this process.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from modelwire_service.command_line.banner import banner
from modelwire_service.command_line.signals import stop_signal
from modelwire_service.limits.memory import MemoryLimiter
from modelwire_service.settings import Settings, upstreams_of
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.workers.crew import Crew
from modelwire_service.workers.held_addresses import HeldAddresses, hold
from modelwire_service.workers.order import Order
from modelwire_service.workers.shared_limits import WorkersCalls
from modelwire_service.workers.shares import refuse_unshareable, settings_of
from modelwire_service.workers.worker import Worker

if TYPE_CHECKING:
    from modelwire_service.workers.models_host import ModelsHost

_WRITING_SECONDS: Final = 15.0
"""What a drained worker may take to write usage and to end."""


async def supervise(settings: Settings, environment: Mapping[str, str]) -> None:
    """Serves until SIGTERM or SIGINT, then drains all workers; a second signal ends all at once.

    Raises ConfigurationError, OSError for a taken port, and ChildProcessError where the workers cannot go on.
    """
    stop = stop_signal()
    configured = upstreams_of(settings, environment)
    refuse_unshareable(settings, configured)
    addresses = await hold(settings)
    async with AsyncExitStack() as stack:
        letting_go = stack.enter_context(ExitStack())
        letting_go.callback(addresses.let_go)
        models = await stack.enter_async_context(_models_host(configured))
        starter = _Starter(settings, addresses, MemoryLimiter(), models)
        crew = Crew(settings.workers, starter.start, lambda: _print_banner(settings, configured, addresses))
        # Once the workers drain, the next server may have the addresses as soon as they have left them.
        await _run_until(
            stop, crew, letting_go.close, settings.drain_notice_seconds + settings.drain_seconds + _WRITING_SECONDS
        )


async def _run_until(stop: asyncio.Event, crew: Crew, let_go: Callable[[], None], drain_seconds: float) -> None:
    running, stopping = asyncio.create_task(crew.run()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        let_go()
        await crew.drain(drain_seconds)
    finally:
        stopping.cancel()
        await crew.kill()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def _models_host(configured: tuple[UpstreamSettings, ...]) -> "AsyncIterator[ModelsHost | None]":
    """The embedded models, which load while the workers start; None where none are configured."""
    if not any(upstream.kind == "embedded" for upstream in configured):
        yield None
        return
    # Imported here: a server with remote upstreams alone neither has nor needs these packages.
    from modelwire_service.upstreams.embedded.packages import embedded_packages_missing

    if embedded_packages_missing():
        yield None  # workers tell better
        return
    from modelwire_service.workers.models_host import ModelsHost

    host = ModelsHost()
    starting = asyncio.create_task(host.start())
    try:
        yield host
    finally:
        starting.cancel()
        await host.close()


@dataclass(frozen=True, slots=True)
class _Starter:
    """Starts workers, each with what all of them share."""

    settings: Settings
    addresses: HeldAddresses
    limiter: MemoryLimiter
    models: "ModelsHost | None"

    async def start(self, number: int) -> Worker:
        calls = WorkersCalls(self.limiter)
        worker = await Worker.started(
            self._order(number), {**calls.handlers, **(self.models.handlers if self.models else {})}
        )
        worker.when_ended(calls.give_back)
        return worker

    def _order(self, number: int) -> Order:
        grpc, http = self.addresses.grpc, self.addresses.http
        bound = {"grpc_address": grpc.address, **({"http_address": http.address} if http else {})}
        listener = http.listener.fileno() if http and http.listener else None
        return Order(number, settings_of(self.settings, number, **bound), listener, self.models is not None)


@dataclass(frozen=True, slots=True)
class _Door:
    """What the banner tells of a door."""

    address: str
    scheme: str


def _print_banner(settings: Settings, configured: tuple[UpstreamSettings, ...], addresses: HeldAddresses) -> None:
    scheme = "https" if settings.tls_certificate else "http"
    http = _Door(addresses.http.bound, scheme) if addresses.http else None
    lines = banner(configured, _Door(addresses.grpc.bound, scheme), http)
    print(f"workers  {settings.workers}\n{lines}", flush=True)  # noqa: T201
