"""Addresses of host names, looked up once for all who ask at a time, and kept for a few seconds."""

import asyncio
import socket
from typing import Any, Final

Address = tuple[Any, Any, int, str, Any]
"""What `socket.getaddrinfo` gives."""

_KEPT_SECONDS: Final = 10.0


class Resolver:
    def __init__(self) -> None:
        self._lookups: dict[tuple[str, int], asyncio.Task[list[Address]]] = {}

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Raises OSError for a name that is not known."""
        lookup = self._lookups.get((host, port))
        if lookup is None:
            lookup = self._lookups[host, port] = asyncio.create_task(_looked_up(host, port))
            lookup.add_done_callback(lambda done: self._keep(host, port, done))
        return await asyncio.shield(lookup)

    def _keep(self, host: str, port: int, lookup: asyncio.Task[list[Address]]) -> None:
        if lookup.cancelled() or lookup.exception() is not None:
            self._lookups.pop((host, port), None)
        else:
            lookup.get_loop().call_later(_KEPT_SECONDS, self._lookups.pop, (host, port), None)


async def _looked_up(host: str, port: int) -> list[Address]:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
