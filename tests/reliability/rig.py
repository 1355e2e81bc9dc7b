"""One server for all rows of the tables, whose upstreams are others for each of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from modelwire_service.access.caller import Caller as KeyHolder
from modelwire_service.access.gate import OpenGate
from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.deadlines import Deadlines
from modelwire_service.entrance import Entrance
from modelwire_service.errors import ServiceError
from modelwire_service.limits.memory import MemoryLimiter
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.registry import build_catalog
from support.callers import DOORS, Asked, Caller, Got, caller_at, got
from support.faulty_upstream import MODEL, FaultyUpstream, works
from support.promptness import is_so_within_100_ms
from support.stack import serving

KEY = "sk-planted-0123456789"


class ExchangeableCatalog(ModelCatalog):
    """Another catalog, whichever is `current`."""

    def __init__(self) -> None:
        super().__init__([])
        self.current: ModelCatalog = self

    def of(self, caller: KeyHolder) -> ModelCatalog:
        return self.current.of(caller)


class Rig:
    """The server, and a caller at each of its doors."""

    def __init__(self, catalog: ExchangeableCatalog, entrance: Entrance, callers: dict[str, Caller]) -> None:
        self.entrance = entrance
        self._catalog = catalog
        self._callers = callers
        self._tasks_before: set[asyncio.Task[Any]] = set()

    def caller(self, door: str) -> Caller:
        return self._callers[door]

    async def got(self, door: str, asked: Asked) -> Got:
        return await got(self._callers[door], asked)

    async def stand_before(self, catalog: ModelCatalog) -> None:
        """From here on the server stands before the upstreams of `catalog`, which have been asked for their models."""
        with suppress(ServiceError):
            await catalog.models()
        self._catalog.current = catalog
        self._tasks_before = asyncio.all_tasks()

    @asynccontextmanager
    async def before_settings(
        self, *settings: UpstreamSettings, source: Callable[[], float] = float
    ) -> AsyncIterator[ModelCatalog]:
        """The same, with upstreams made from settings; `source` gives chance, which is 0 if nothing else is said."""
        catalog = build_catalog(settings, {}, source)
        await self.stand_before(catalog)
        try:
            yield catalog
        finally:
            for upstream in catalog.upstreams:
                await upstream.close()

    async def expect_nothing_left(self, *upstreams: FaultyUpstream) -> None:
        """Within 100 ms no call is inside, none is open at any of the upstreams, and no task goes on that did not."""
        gone = await is_so_within_100_ms(lambda: not self.left(upstreams))
        assert gone, self.left(upstreams)

    def left(self, upstreams: Iterable[FaultyUpstream]) -> list[object]:
        """What is left of calls, connections and tasks."""
        connections = [upstream.url for upstream in upstreams for _ in range(upstream.open)]
        known = {*self._tasks_before, asyncio.current_task()}
        tasks = [task for task in asyncio.all_tasks() if task not in known and not _is_no_calls(task)]
        return [*connections, *tasks, *["a call"] * self.entrance.running]

    async def expect_the_next_call_served(self, door: str, model: str, *upstreams: FaultyUpstream) -> None:
        """Once the upstreams work again, a call is answered, and leaves nothing behind either."""
        for upstream in upstreams:
            upstream.script = works
        outcome = await self.got(door, Asked(model=model))
        assert (outcome.texts, outcome.done) == (("Hello.",), True), outcome
        await self.expect_nothing_left(*upstreams)


def _is_no_calls(task: asyncio.Task[Any]) -> bool:
    """Whether a task is an upstream's, which is counted as a connection, or gRPC's that waits for the next call."""
    name = getattr(task.get_coro(), "__qualname__", "")
    return "listening.<locals>" in name or name.startswith("AioServer._request_")


@asynccontextmanager
async def running_rig(default_deadline: float = 600.0, calls_at_once: int = 64) -> AsyncIterator[Rig]:
    admission = Admission(calls_at_once, 0, "the server")
    entrance = Entrance(OpenGate(), MemoryLimiter(), admission, Deadlines(default_deadline, 3_600.0))
    catalog = ExchangeableCatalog()
    async with serving(catalog, entrance) as stack, AsyncExitStack() as closing:
        callers = {door: caller_at(door, stack) for door in DOORS}
        for caller in callers.values():
            closing.push_async_callback(caller.aclose)
        yield Rig(catalog, entrance, callers)


def settings_of(kind: str, url: str, **more: object) -> UpstreamSettings:
    """Settings of an upstream with an API of some kind at `url`; it serves one model, if `more` does not say others."""
    base_url = f"{url}/v1" if kind == "openai" else url
    known = {"name": "faulty", "kind": kind, "base_url": base_url, "api_key": KEY, "models": [MODEL]}
    return UpstreamSettings.model_validate(known | more)
