"""The connections of one client.

Theory of operation. A call that finds no idle connection waits for whichever comes first, one that another call gives
back or one that is dialled; who waits longest is served first. For each who waits a dial is under way, up to so many at
once: hundreds of them would take the time of the calls that could use what is there already. Whose dial it is does not
matter. One that nobody needs any more ends in an idle connection; one that fails is told to somebody who waited when it
began, since whoever came later may yet be luckier. Who leaves takes a dial along, if there are more than need be.
"""

import asyncio
import math
from collections import OrderedDict
from functools import partial
from typing import Final

from modelwire_service.upstreams.http import causes
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.native.connection import Connection
from modelwire_service.upstreams.http.native.dial import Dialer
from modelwire_service.upstreams.http.native.request_head import Origin

DIALS_AT_ONCE: Final = 64


class Pool:
    """The connections to one origin, open and idle.

    Of the idle ones, that used last is taken first, so that as many stay as are needed and the others close by
    themselves. There is no limit, which would queue callers silently.
    """

    def __init__(self, origin: Origin, dialer: Dialer, timeouts: Timeouts) -> None:
        self._origin = origin
        self._dialer = dialer
        self._timeouts = timeouts
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # in the order in which they became so
        self._waiting: OrderedDict[asyncio.Future[Connection], float] = OrderedDict()  # since when, longest first
        self._dials: dict[asyncio.Task[None], None] = {}
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None

    def take(self) -> Connection | None:
        """An idle connection, None if there is none."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.usable:
                return connection
        return None

    async def wait(self) -> Connection:
        """The next connection there is. Raises UpstreamUnavailable, told as not sent."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._timeouts.connect
        while True:
            turn: asyncio.Future[Connection] = loop.create_future()
            self._waiting[turn] = loop.time()
            self._dial_enough()
            timer = loop.call_at(ends_at, self._late, turn)
            try:
                connection = await turn
            except asyncio.CancelledError:
                self._leave(turn)
                raise
            finally:
                timer.cancel()
            if connection.usable or not connection.used:
                return connection  # one that is of no use from the beginning says so itself

    async def dial(self) -> Connection:
        """A connection made for whoever asks. Raises UpstreamUnavailable, told as not sent."""
        return await self._dialer.dial(self._origin, partial(Connection, self, self._timeouts))

    async def aclose(self) -> None:
        """Closes all connections, whatever they carry, and waits until they are."""
        self._closed = True
        self._idle.clear()
        dials = list(self._dials)
        self._dials.clear()
        for dial in dials:
            dial.cancel()
        while self._waiting:
            self._tell(causes.not_reached(ConnectionError()))
        await asyncio.gather(*dials, return_exceptions=True)
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
        while self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            if not turn.done():
                turn.set_result(connection)
                return
        self._idle[connection] = None

    def closed(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        self._open.discard(connection)
        if self._emptied is not None and not self._open and not self._emptied.done():
            self._emptied.set_result(None)

    # Those who wait, and the dials for them

    def _dial_enough(self) -> None:
        for _ in range(min(len(self._waiting), DIALS_AT_ONCE) - len(self._dials)):
            self._dials[asyncio.create_task(self._dial_for_any())] = None

    async def _dial_for_any(self) -> None:
        began = asyncio.get_running_loop().time()
        try:
            made = await self.dial()
        except Exception as error:
            self._dialled()
            self._tell(error, began)
        else:
            self._dialled()
            if made.usable or self._waiting:
                self.freed(made)
        self._dial_enough()

    def _dialled(self) -> None:
        dial = asyncio.current_task()
        if dial is not None:
            self._dials.pop(dial, None)

    def _tell(self, error: Exception, began: float = math.inf) -> None:
        """Tells the failure of a dial that `began` then."""
        while self._waiting:
            turn, since = next(iter(self._waiting.items()))
            if since > began and not turn.done():
                return
            del self._waiting[turn]
            if not turn.done():
                turn.set_exception(error)
                return

    def _late(self, turn: asyncio.Future[Connection]) -> None:
        if self._waiting.pop(turn, None) is not None and not turn.done():
            turn.set_exception(causes.not_reached_in_time(self._timeouts))

    def _leave(self, turn: asyncio.Future[Connection]) -> None:
        self._waiting.pop(turn, None)
        if turn.done() and not turn.cancelled():  # it was served in the very moment of leaving
            if turn.exception() is None and turn.result().usable:
                self.freed(turn.result())
        elif len(self._dials) > len(self._waiting):
            dial, _ = self._dials.popitem()
            dial.cancel()
