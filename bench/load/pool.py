"""The connections of one load."""

import select
from collections.abc import Callable, Iterator
from time import perf_counter
from types import TracebackType
from typing import Self

from bench.load.connection import Connection
from bench.load.dialogue import Dialogue
from bench.load.outcome import Outcome

MakeDialogue = Callable[[], Dialogue]


class Pool:
    """Connections to `address`, all closed when the block ends. What breaks counts as a failure."""

    def __init__(self, address: str, dialogue: MakeDialogue) -> None:
        self.outcome = Outcome()
        self.running = 0
        """Calls that are not answered."""
        self._address = address
        self._dialogue = dialogue
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.outcome.unfinished += self.running
        for connection in self._connections.values():
            connection.close()
        self._poll.close()

    def __len__(self) -> int:
        return len(self._connections)

    def open(self) -> Connection:
        connection = Connection(self._address, self._dialogue(), self._poll, self.outcome)
        self._connections[connection.fileno()] = connection
        return connection

    def start(self, connection: Connection, due: float) -> None:
        """The next call on a connection whose last one is answered."""
        self.running += 1
        connection.start(due)

    def answered(self, until: float) -> Iterator[Connection]:
        """Waits for something to arrive, `until` then at the latest, and gives those whose call is answered."""
        for file, _ in self._poll.poll(max(until - perf_counter(), 0)):
            connection = self._connections[file]
            try:
                done = connection.ready()
            except (OSError, ValueError) as error:
                self._broken(file, str(error))
                continue
            if done:
                self.running -= 1
                yield connection

    def _broken(self, file: int, error: str) -> None:
        self.outcome.failures[error] += 1
        self.running -= 1
        self._connections.pop(file).close()
