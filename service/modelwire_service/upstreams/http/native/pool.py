"""The connections of one client."""

import asyncio

from modelwire_service.upstreams.http.native.connection import Connection


class Pool:
    """The connections to one origin, open and idle.

    Of the idle ones, that used last is taken first, so that as many stay as are needed and the others close by
    themselves. There is no limit, which would queue callers silently.
    """

    def __init__(self) -> None:
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # in the order in which they became so
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None

    def take(self) -> Connection | None:
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.usable:
                return connection
        return None

    async def aclose(self) -> None:
        """Closes all connections, whatever they carry, and waits until they are."""
        self._closed = True
        self._idle.clear()
        if self._open:
            self._emptied = asyncio.get_running_loop().create_future()
            for connection in list(self._open):
                connection.close()
            await self._emptied

    # What connections say

    def opened(self, connection: Connection) -> None:
        self._open.add(connection)
        if self._closed:
            connection.close()

    def freed(self, connection: Connection) -> None:
        self._idle[connection] = None

    def closed(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        self._open.discard(connection)
        if self._emptied is not None and not self._open and not self._emptied.done():
            self._emptied.set_result(None)
