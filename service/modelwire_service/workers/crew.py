"""Workers that are started again when they end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from modelwire_service.workers.worker import Worker

LONG_ENOUGH: Final = 10.0
"""A worker that served this many seconds has not died at once: the next one starts without a pause."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0
_FAILURES: Final = 5
_log = logging.getLogger("modelwire.workers")


class Crew:
    """Workers number 1 to `size`. `start` starts one; `all_serve` is called once, when all do for the first time."""

    def __init__(self, size: int, start: Callable[[int], Awaitable[Worker]], all_serve: Callable[[], None]) -> None:
        self._size = size
        self._start = start
        self._all_serve = all_serve
        self._complete = False
        self._workers: dict[int, Worker] = {}
        self._serving: set[int] = set()
        self._failures = 0
        self._keepers: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Starts all of them, again and again, until `drain`.

        Raises what a first one gives as the reason why it cannot serve, a ConfigurationError or an OSError; and
        ChildProcessError where none serves and several in a row could not be started.
        """
        self._keepers = [asyncio.create_task(self._keep(number + 1)) for number in range(self._size)]
        await asyncio.gather(*self._keepers)

    async def drain(self, seconds: float) -> None:
        """Starts none any more, has all drain, and kills those that take longer than `seconds`.

        Raises ChildProcessError where one had to be killed, or ended badly.
        """
        await self._stop_keeping()
        left = [worker for worker in self._workers.values() if worker.running]
        for worker in left:
            worker.drain()
        try:
            async with asyncio.timeout(seconds):
                statuses = await asyncio.gather(*(worker.ended() for worker in left))
        except TimeoutError:
            await self.kill()
            raise ChildProcessError("workers did not end in time and were killed") from None
        if any(statuses):
            raise ChildProcessError("a worker ended badly while it drained")

    async def kill(self) -> None:
        """Ends all at once."""
        await self._stop_keeping()
        left = [worker for worker in self._workers.values() if worker.running]
        for worker in left:
            worker.kill()
        await asyncio.gather(*(worker.ended() for worker in left))

    async def _stop_keeping(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _keep(self, number: int) -> None:
        deaths = 0
        while True:
            deaths = 0 if await self._lives_long(number) else deaths + 1
            await asyncio.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (deaths - 1)) if deaths else 0)

    async def _lives_long(self, number: int) -> bool:
        """Starts a worker and follows it to its end."""
        try:
            worker = self._workers[number] = await self._start(number)
        except OSError as error:  # no more processes, or no memory for one
            self._not_started(number, error, str(error))
            return False
        if not await worker.serves():
            status = await worker.ended()
            self._not_started(number, worker.refusal, str(worker.refusal or f"its process ended with status {status}"))
            return False
        fields = {"worker": number, "pid": worker.pid}
        _log.info("worker serves", extra={"fields": fields})
        self._count_in(number)
        began = asyncio.get_running_loop().time()
        status = await worker.ended()
        self._serving.discard(number)
        _log.error("worker ended and is started again", extra={"fields": {**fields, "status": status}})
        return asyncio.get_running_loop().time() - began >= LONG_ENOUGH

    def _count_in(self, number: int) -> None:
        self._failures = 0
        self._serving.add(number)
        if not self._complete and len(self._serving) == self._size:
            self._complete = True
            self._all_serve()

    def _not_started(self, number: int, refusal: Exception | None, why: str) -> None:
        """Raises `refusal`, what the worker itself says, where not all have served yet."""
        if refusal is not None and not self._complete:
            raise refusal
        self._failures += 1
        fields = {"worker": number, "error": why}
        _log.error("worker cannot start and is tried again", extra={"fields": fields})
        if self._failures >= _FAILURES and not self._serving:
            raise ChildProcessError(f"workers cannot start; the last one of {self._failures}: {why}")
