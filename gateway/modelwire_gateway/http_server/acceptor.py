"""Accepts the connections of a listening socket, many in one turn of the event loop.

libuv, under uvloop, accepts one in a turn. When turns are long, because calls are many, those who have just connected
would wait for seconds although the server has time for their calls.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Final

# A crowd is let in quickly, and processes that share one socket have a turn each.
_IN_ONE_TURN: Final = 32
_PAUSE_SECONDS: Final = 1.0  # where none can be accepted, as when no more files may be open
_NONE_WAITING: Final = (BlockingIOError, InterruptedError)

_logger = logging.getLogger(__name__)


class Acceptor:
    """Makes a protocol for each connection of `listener`, from when it is made until it is closed.

    The socket is its own then, and closed with it.
    """

    def __init__(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._protocol = protocol
        self._opening: set[asyncio.Task[object]] = set()
        self._pause: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._watch()

    async def close(self) -> None:
        """Accepts no more; returns when all that were accepted have their protocols."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        if self._opening:
            await asyncio.wait(self._opening)

    def _watch(self) -> None:
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_IN_ONE_TURN):
            try:
                connection, _ = self._listener.accept()
            except _NONE_WAITING:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._rest(error)
                return
            self._open(connection)

    def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        opening = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
        self._opening.add(opening)
        opening.add_done_callback(partial(self._opened, connection))

    def _opened(self, connection: socket.socket, opening: asyncio.Task[object]) -> None:
        self._opening.discard(opening)
        if opening.cancelled() or (error := opening.exception()) is None:
            return
        _logger.error("a connection could not be opened", exc_info=error)
        with contextlib.suppress(OSError):
            connection.close()

    def _rest(self, error: OSError) -> None:
        """Waits before it accepts again: the one who waits is still there, and would be reported without end."""
        _logger.error("cannot accept connections for %g s: %s", _PAUSE_SECONDS, error.strerror)
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(_PAUSE_SECONDS, self._watch)
