"""Comments on an event stream that is silent, so that nobody in between takes it for dead.

A comment is a line that begins with a colon (HTML, server-sent events, 9.2.6): every reader passes over it. It may
stand between events alone, so none is written after a piece that ends within one, nor while a piece is being written.
"""

import asyncio
from types import TracebackType
from typing import Final

from modelwire_gateway.answers.streaming import EVENT_ENDS
from modelwire_gateway.exchange import ClientLeftError, Exchange

COMMENT: Final = b": keep-alive\n\n"


class KeepAlive:
    """Writes a comment after every `seconds` without a piece. A context manager, for as long as the stream lasts.

    All pieces but the first are written by it.
    """

    def __init__(self, exchange: Exchange, seconds: float) -> None:
        self._exchange = exchange
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._between_events = True
        self._silent_since: float | None = None
        self._writing: asyncio.Task[None] | None = None

    def __enter__(self) -> "KeepAlive":
        self._timer = self._loop.call_later(self._seconds, self._look)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        if self._writing is not None:
            self._writing.cancel()

    def written(self, piece: bytes) -> None:
        """Tells that `piece` was written."""
        self._between_events = piece.endswith(EVENT_ENDS) if piece else self._between_events
        self._silent_since = self._loop.time() if self._between_events else None

    async def write(self, piece: bytes) -> None:
        self._silent_since = None
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing = None
        await self._exchange.write(piece, more=True)
        self.written(piece)

    def _look(self) -> None:
        now = self._loop.time()
        since = now if self._silent_since is None else self._silent_since
        if now - since >= self._seconds and (self._writing is None or self._writing.done()):
            self._writing = self._loop.create_task(self._comment())
            self._silent_since = since = now
        self._timer = self._loop.call_at(since + self._seconds, self._look)

    async def _comment(self) -> None:
        try:
            await self._exchange.write(COMMENT, more=True)
        except ClientLeftError:
            return  # whoever writes next learns it, too
