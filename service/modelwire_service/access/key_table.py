"""The keys of the database in memory, no older than a second.

A task asks each half second whether the database has changed, which is one small read, and reads all keys if it has.
Both happen in a thread of their own, because a database may take its time, and in one that no process waits for at its
end, because it may take forever. While it cannot be reached the known keys go on being taken: a revocation counts once
it can be read. A read that takes long is told like one that failed, and is waited for further: it stays the only one.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Final

from modelwire_service.access.caller import Caller
from modelwire_service.access.keys import ApiKey, matches, parsed
from modelwire_service.storage.errors import StorageError

PERIOD_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 5.0
_log = logging.getLogger("modelwire.keys")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key with what each call that brings it wants of it. `expires_at` is in seconds since 1970."""

    key: ApiKey
    caller: Caller
    revoked: bool
    expires_at: float

    @classmethod
    def of(cls, key: ApiKey) -> "KnownKey":
        expires_at = math.inf if key.expires_at is None else key.expires_at.timestamp()
        return cls(key, key.caller(), key.revoked_at is not None, expires_at)


_Keys = tuple[int, dict[str, KnownKey]]


class KeyTable:
    """All keys there are, revoked and expired ones too, by what callers bring.

    `load` and `version` are those of a KeyStore; they may block and may raise StorageError. Seconds are the `period` of
    reads, and the `patience` with one.
    """

    def __init__(
        self,
        load: Callable[[], Sequence[ApiKey]],
        version: Callable[[], int],
        period: float = PERIOD_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._load = load
        self._version = version
        self._period = period
        self._patience = patience
        self._reading: asyncio.Future[_Keys | None] | None = None
        self._seen: int | None = None
        self._known: dict[str, KnownKey] = {}
        self._lost = False
        self._task: asyncio.Task[None] | None = None
        self._thread = _ReadingThread()

    async def start(self) -> None:
        """Reads the keys and keeps them fresh from then on; raises StorageError where they cannot be read."""
        await self._read_if_changed()
        self._task = asyncio.create_task(self._keep_fresh())

    async def close(self) -> None:
        """Ends the renewing; what is known stays known."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._reading is not None:
            self._reading.cancel()
        self._thread.end()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, text: str) -> KnownKey | None:
        """The key that `text` is, whatever its state. How long it takes tells nothing of the keys there are."""
        if (read := parsed(text)) is None:
            return None
        id_, digest = read
        known = self._known.get(id_)
        return known if matches(None if known is None else known.key, digest) else None

    async def renew(self) -> None:
        """Reads the keys if they have changed; where that fails, or takes long, the known ones stay.

        That is logged once.
        """
        try:
            await self._read_if_changed()
        except Exception as error:
            if not self._lost:
                told = str(error) if isinstance(error, StorageError) else type(error).__name__
                _log.warning("keys not renewed; the known ones stay", extra={"fields": {"error": told}})
            self._lost = True
            return
        if self._lost:
            _log.warning("keys renewed again")
        self._lost = False

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            await self.renew()

    async def _read_if_changed(self) -> None:
        reading = self._reading = self._reading or asyncio.wrap_future(self._thread.order(self._changed))
        await asyncio.wait([reading], timeout=self._patience)
        if not reading.done():
            raise StorageError(f"the database did not answer within {self._patience:g} s")
        self._reading = None
        if (read := reading.result()) is not None:
            self._seen, self._known = read

    def _changed(self) -> _Keys | None:
        # The version goes first: a change between the two reads is then seen once more, and never missed.
        version = self._version()
        if version == self._seen:
            return None
        return version, {key.id: KnownKey.of(key) for key in self._load()}


class _ReadingThread:
    """A thread that reads when it is told to. It begins with the first order; nobody waits for it at its end."""

    def __init__(self) -> None:
        self._orders: SimpleQueue[tuple[Future[_Keys | None], Callable[[], _Keys | None]] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def order(self, work: Callable[[], _Keys | None]) -> "Future[_Keys | None]":
        """What `work` returns or raises. Nobody can cancel it."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="keys", daemon=True)
            self._thread.start()
        future: Future[_Keys | None] = Future()
        future.set_running_or_notify_cancel()
        self._orders.put((future, work))
        return future

    def end(self) -> None:
        """Ends the thread once it has done what it was told to."""
        self._orders.put(None)

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            future, work = order
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)
