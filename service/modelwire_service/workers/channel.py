"""What a worker and its supervisor say to each other: lists of JSON, one a line, over a pair of sockets.

Theory of operation. The pair has no name in any file system, so that nobody else can join in. A line is
`[number, what, argument…]`; one with a number other than 0 is answered by `[number, null, result]`, or where the work
failed by `[number, null, null, why]`. Both ends number what they ask by themselves. Lines arrive in the order they were
said, and none is lost while both processes live. Who wants an answer no more says `[0, "forget", number]`, upon which
the work on it ends.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from itertools import count
from types import CoroutineType
from typing import Any, Final, cast

import orjson

_FORGET: Final = "forget"
_GONE: Final = "the process at the other end is gone"
Handlers = Mapping[str, Callable[..., Any]]
"""What is done about each thing that may be said; a result is the answer; coroutines may be asked alone, not told."""


class Channel(asyncio.Protocol):
    """One end. `lost` is done when the other end is gone."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers
        self._transport: asyncio.WriteTransport | None = None
        self._rest = b""
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._answering: dict[int, asyncio.Task[None]] = {}
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def over(cls, end: socket.socket, handlers: Handlers) -> "Channel":
        """A channel over a connected socket, which it closes."""
        end.setblocking(False)
        _, channel = await asyncio.get_running_loop().create_unix_connection(lambda: cls(handlers), sock=end)
        return channel

    def tell(self, what: str, *arguments: Any) -> None:
        """Says something that wants no answer."""
        self._send([0, what, *arguments])

    async def ask(self, what: str, *arguments: Any) -> Any:
        """The answer. Raises ConnectionError where the other end is gone before, RuntimeError where it failed."""
        if self._transport is None:
            raise ConnectionError(_GONE)
        number = next(self._numbers)
        asked = self._asked[number] = asyncio.get_running_loop().create_future()
        self._send([number, what, *arguments])
        try:
            return await asked
        except asyncio.CancelledError:
            self.tell(_FORGET, number)
            raise
        finally:
            self._asked.pop(number, None)

    def close(self) -> None:
        """Hangs up, after all that was said."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(*orjson.loads(line))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ConnectionError(_GONE))
        for task in self._answering.values():
            task.cancel()
        self.lost.set_result(None)

    def _take(self, number: int, what: str | None, *arguments: Any) -> None:
        if what is None:
            self._answered(number, *arguments)
            return
        if what == _FORGET:
            if (task := self._answering.get(arguments[0])) is not None:
                task.cancel()
            return
        result = self._handlers[what](*arguments)
        if isinstance(result, CoroutineType):
            task = self._answering[number] = asyncio.create_task(self._answer_later(number, result))
            task.add_done_callback(lambda _: self._answering.pop(number))
        elif number:
            self._send([number, None, result])

    def _answered(self, number: int, result: Any, why: str | None = None) -> None:
        asked = self._asked.get(number)
        if asked is None or asked.done():
            return
        if why is None:
            asked.set_result(result)
        else:
            asked.set_exception(RuntimeError(why))

    async def _answer_later(self, number: int, result: "CoroutineType[Any, Any, Any]") -> None:
        try:
            self._send([number, None, await result])
        except Exception as error:
            self._send([number, None, None, f"{type(error).__name__}: {error}"])

    def _send(self, message: list[Any]) -> None:
        if self._transport is not None:
            self._transport.write(orjson.dumps(message) + b"\n")
