"""A store of usage in memory, with failures on demand."""

import threading
from collections.abc import Callable, Sequence

from modelwire_service.storage.errors import RowsRefused
from modelwire_service.usage.rows import UsageRow


class MemorySink:
    """Takes what `add` is given. Set `failure` to have it raise that; rows whose id is in `refused` are refused."""

    def __init__(self) -> None:
        self.batches: list[list[UsageRow]] = []
        self.failure: Exception | None = None
        self.refused: set[str] = set()
        self.tries = 0
        self._changed = threading.Condition()

    @property
    def rows(self) -> list[UsageRow]:
        return [row for batch in self.batches for row in batch]

    def opened(self) -> "MemorySink":
        """The sink, as its opener."""
        return self

    def add(self, rows: Sequence[UsageRow]) -> None:
        with self._changed:
            self.tries += 1
            self._changed.notify_all()
            if self.failure is not None:
                raise self.failure
            if any(row.call_id in self.refused for row in rows):
                raise RowsRefused("database: not these")
            self.batches.append(list(rows))

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Returns once `condition` holds, which is looked at whenever rows come."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout=30)
