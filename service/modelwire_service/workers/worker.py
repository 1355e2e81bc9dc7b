"""A worker as its supervisor sees it."""

import asyncio
import contextlib
import socket
from asyncio.subprocess import Process
from collections.abc import Callable
from typing import Any, Final

from modelwire_service.settings import ConfigurationError
from modelwire_service.workers.channel import Channel, Handlers
from modelwire_service.workers.order import Order, send_order
from modelwire_service.workers.process import started

_PROGRAM: Final = "modelwire_service.workers.program"


class Worker:
    """A process that was started. `refusal` is why it cannot serve, where it could tell."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._channel: Channel | None = None
        self._serving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ended: asyncio.Future[int] = asyncio.ensure_future(self._end())
        self.refusal: Exception | None = None

    @classmethod
    async def started(cls, order: Order, handlers: Handlers) -> "Worker":
        """A worker with its order; `handlers` are for what it says beyond how it is."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                files = [theirs.fileno(), *([] if order.listener is None else [order.listener])]
                worker = cls(await started(_PROGRAM, files))
                send_order(ours, order)
                await worker._connect(ours, handlers)
            except BaseException:
                ours.close()  # upon which the process, if there is one, ends
                raise
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return not self._ended.done()

    async def serves(self) -> bool:
        """Whether it serves, when it does, or has ended before."""
        either: list[asyncio.Future[Any]] = [self._serving, self._ended]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return self._serving.done()

    async def ended(self) -> int:
        """Its exit status, as that of subprocesses, when it has ended and all that it said has been heard."""
        return await asyncio.shield(self._ended)

    def told_serving(self) -> None:
        """It serves from here on."""
        self._serving.set_result(None)

    def when_ended(self, do: Callable[[], None]) -> None:
        self._ended.add_done_callback(lambda _: do())

    def drain(self) -> None:
        """Has it finish what runs, and end."""
        if self._channel is not None:
            self._channel.tell("drain")

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _connect(self, end: socket.socket, handlers: Handlers) -> None:
        own: dict[str, Callable[..., None]] = {
            "serving": self.told_serving,
            "refused": self._refuses,
            "failed": self._fails,
        }
        self._channel = await Channel.over(end, {**handlers, **own})

    async def _end(self) -> int:
        status = await self._process.wait()
        if self._channel is not None:
            await self._channel.lost
        return status

    def _refuses(self, complaints: list[str]) -> None:
        self.refusal = ConfigurationError(complaints)

    def _fails(self, told: str) -> None:
        self.refusal = OSError(told)
