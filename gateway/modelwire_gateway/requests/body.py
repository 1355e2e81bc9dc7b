"""A request's body while it arrives."""

import asyncio
from typing import Final

READ_AHEAD_BYTES: Final = 64 * 1024


class RequestBody:
    """What has arrived of a body and has not been taken.

    It is read ahead of whoever takes it, since reading is the only way to learn that the client has left while
    the service is busy with what it has; `room` bounds that, and with it the client's haste. A client that
    leaves while there is no room is noticed only where the server tells of it, which makes room. `ended` tells
    whether all of it has arrived.
    """

    def __init__(self) -> None:
        self.ended = False
        self._pieces: list[bytes] = []
        self._size = 0
        self._bounded = True
        self._closed = False
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()

    async def room(self) -> None:
        """Returns when more may be read."""
        while self._bounded and self._size >= READ_AHEAD_BYTES:
            self._taken.clear()
            await self._taken.wait()

    def unbound(self, _: object = None) -> None:
        """Makes room for whatever is still to be read: the client has left. Fit to be called by a future."""
        self._bounded = False
        self._taken.set()

    def put(self, piece: bytes, *, more: bool) -> None:
        """Adds what arrived; `more` says whether the body goes on."""
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)
        self.ended = not more
        self._arrived.set()

    async def take(self) -> bytes:
        """All that has arrived, at least a byte; nothing once the body has ended."""
        while not (self._pieces or self.ended or self._closed):
            self._arrived.clear()
            await self._arrived.wait()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._taken.set()
        return data

    def close(self) -> None:
        """Drops what has arrived and ends all waiting in `take`."""
        self._closed = True
        self._pieces.clear()
        self._arrived.set()
