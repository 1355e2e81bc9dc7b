"""Keeps a transcoder's routes those that its target tells of by reflection.

A target that is deployed anew is seen by its connection, which breaks and comes back; behind a balancer none breaks,
so the target is asked at intervals as well. Routes once known stay while the target is away, or tells of
annotations that cannot be served.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.routing.route_rules import Route
from modelwire_gateway.routing.routes import RouteErrors
from modelwire_gateway.sources.descriptors import DescriptorError, services_in_image
from modelwire_gateway.sources.reflection import Reflected, Reflection, ReflectionError, SlowError, UnreachableError

_LOG: Final = logging.getLogger("modelwire.gateway")
_RETRY_SECONDS: Final = 1.0


class ReflectionWatch:
    """Watches the target of `backend` for `transcoder`. `interval` is the time between two questions, in seconds."""

    def __init__(self, backend: RemoteBackend, transcoder: Transcoder, interval: float) -> None:
        self._backend = backend
        self._transcoder = transcoder
        self._interval = interval
        self._reflection = Reflection(backend)
        self._seen: Reflected | None = None
        self._complaint = ""
        self.known = False
        """Whether there are routes to serve."""

    async def ready(self) -> bool:
        """Whether the target is there and its routes are known."""
        return self.known and await self._backend.ready()

    async def look(self) -> None:
        """Asks the target once, and serves what is new.

        Raises UnreachableError, ReflectionError, DescriptorError or RouteErrors; what was served stays. What cannot
        be served is not tried again until it changes.
        """
        if not await self._backend.ready():
            raise UnreachableError("there is no connection to the target")
        reflected = await self._reflection.ask()
        if reflected != self._seen:
            self._seen = reflected
            await self._serve(reflected)

    async def run(self) -> None:
        """Watches until it is cancelled; what goes wrong is logged, each complaint once."""
        pause = self._interval if self.known else _RETRY_SECONDS
        # One task over many pauses: gRPC keeps a watch that is given up until the connection changes.
        connection = asyncio.create_task(self._backend.reconnected())
        try:
            while True:
                await asyncio.wait({connection}, timeout=pause)
                if connection.done():
                    connection = asyncio.create_task(self._backend.reconnected())
                pause = self._interval if await self._reached() else _RETRY_SECONDS
        finally:
            connection.cancel()

    async def _reached(self) -> bool:
        """Looks; whether the target answered, be it nonsense, or kept the gateway busy for as long as it may."""
        try:
            await self.look()
        except UnreachableError as error:
            _LOG.debug("target not reached", extra={"fields": {"error": str(error)}})
            return isinstance(error, SlowError)
        except RouteErrors as error:
            _complain(error.complaints)
        except (ReflectionError, DescriptorError) as error:
            if self._complaint != (told := str(error)):
                _complain([told])
            self._complaint = told
        except Exception:
            _LOG.exception("internal error")
        else:
            self._complaint = ""
        return True

    async def _serve(self, reflected: Reflected) -> None:
        before = _named(self._transcoder.routes)
        # Many services take long to make ready, in which calls of those before go on.
        await asyncio.to_thread(lambda: self._transcoder.serve(services_in_image(reflected.image)))
        after = _named(self._transcoder.routes)
        self.known = True
        counts = {"routes": len(after), "added": len(after - before), "removed": len(before - after)}
        _LOG.info("routes changed", extra={"fields": counts})
        for service in reflected.undescribed:
            _LOG.warning("service without descriptors", extra={"fields": {"service": service}})


def _named(routes: Iterable[Route]) -> set[str]:
    return {f"{route.http_method} {route.template}" for route in routes}


def _complain(complaints: Iterable[str]) -> None:
    for complaint in complaints:
        _LOG.error("the target cannot be served as it is", extra={"fields": {"complaint": complaint}})
