"""Writes usage beside the calls.

Theory of operation. The event loop appends rows to a deque and does nothing else: no lock, no wait, no task. One
thread takes them away a few times a second and writes them in batches, so that a row is in the database within half
a second, and a process that is killed loses no more than that. The thread opens the database itself, which imports
SQLAlchemy beside the start of the server.

A database that is away is tried again with growing pauses. Meanwhile rows are kept, up to a bound, over which the
oldest go. The batch that failed is kept apart and is written first, so that rows stay in order. What a database
refuses for itself alone is dropped and told, or it would hold up everything behind it.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from modelwire_service.storage.errors import RowsRefused, StorageError
from modelwire_service.usage.rows import UsageRow

_BATCH: Final = 1_000
_PAUSE: Final = 0.4
_LONGEST_PAUSE: Final = 5.0
_PAUSE_AT_END: Final = 0.1
_log = logging.getLogger("modelwire.usage")


class UsageSink(Protocol):
    def add(self, rows: Sequence[UsageRow]) -> None:
        """Writes all rows or none; raises StorageError, or RowsRefused where one of them can never be written."""


class UsageRecorder:
    """Keeps up to `limit` rows for the store that `open_store` gives, which is called in a thread until it does.

    `pause` is the longest a row waits before it is written, `longest_pause` the longest a database that is away is
    left alone; seconds.
    """

    def __init__(
        self,
        open_store: Callable[[], UsageSink],
        *,
        limit: int = 100_000,
        pause: float = _PAUSE,
        longest_pause: float = _LONGEST_PAUSE,
    ) -> None:
        self._rows: deque[UsageRow] = deque(maxlen=limit)
        self._limit = limit
        self._dropped = 0
        self._ends_at = 0.0
        self._ending = threading.Event()
        self._writer = _Writer(open_store)
        self._pause = pause
        self._longest_pause = longest_pause
        self._thread = threading.Thread(target=self._run, name="modelwire-usage", daemon=True)

    def start(self) -> None:
        """Starts the thread. Rows may be put before."""
        self._thread.start()

    def put(self, row: UsageRow) -> None:
        """Takes a row; for one thread alone, that of the event loop."""
        if len(self._rows) == self._limit:
            self._dropped += 1
        self._rows.append(row)

    async def close(self, seconds: float = 10.0) -> None:
        """Writes what is left and ends the thread. What cannot be written within `seconds` is lost, and told."""
        self._ends_at = time.monotonic() + seconds
        self._ending.set()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join, seconds + 1)
        if lost := self._dropped + self._writer.waiting + len(self._rows):
            _log.error("usage is lost", extra={"fields": {"calls": lost}})

    def _run(self) -> None:
        pause = self._pause
        while not self._ending.wait(pause):
            if self._writer.write(self._rows):
                self._tell_dropped()
                pause = self._pause
            else:
                pause = min(pause * 2, self._longest_pause)
        while not self._writer.write(self._rows) and time.monotonic() < self._ends_at:
            time.sleep(_PAUSE_AT_END)

    def _tell_dropped(self) -> None:
        if self._dropped:
            fields, self._dropped = {"calls": self._dropped}, 0
            _log.error("usage is lost: the database was away for too many calls", extra={"fields": fields})


class _Writer:
    """Writes rows in batches, and keeps the batch that failed."""

    def __init__(self, open_store: Callable[[], UsageSink]) -> None:
        self._open_store = open_store
        self._store: UsageSink | None = None
        self._batch: list[UsageRow] = []
        self._away = False

    @property
    def waiting(self) -> int:
        """How many rows a failed batch holds."""
        return len(self._batch)

    def write(self, rows: deque[UsageRow]) -> bool:
        """Writes all there is; False where the database did not take it."""
        while self._batch or rows:
            if not self._batch:
                self._batch = [rows.popleft() for _ in range(min(len(rows), _BATCH))]
            try:
                self._add(self._batch)
            except StorageError as error:
                self._tell_away(str(error))
                return False
            except Exception as error:
                self._tell_away("internal error", error)
                return False
            self._batch = []
        self._tell_back()
        return True

    def _add(self, batch: Sequence[UsageRow]) -> None:
        if self._store is None:
            self._store = self._open_store()
        try:
            self._store.add(batch)
        except RowsRefused:
            for row in batch:
                self._add_alone(self._store, row)

    def _add_alone(self, store: UsageSink, row: UsageRow) -> None:
        try:
            store.add([row])
        except RowsRefused as error:
            _log.error("usage of a call is refused", extra={"fields": {"id": row.call_id, "error": str(error)}})

    def _tell_away(self, error: str, cause: Exception | None = None) -> None:
        if not self._away:
            self._away = True
            _log.error("usage cannot be written and is kept", exc_info=cause, extra={"fields": {"error": error}})

    def _tell_back(self) -> None:
        if self._away:
            self._away = False
            _log.info("usage is written again")
