"""What a connection says and hears, whatever the protocol."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Expected:
    """How a right answer is known: it has `marker` so many times."""

    marker: bytes
    count: int = 1


class Dialogue(Protocol):
    """Calls on one connection, one after the other. Bytes in, bytes out; sockets are somebody else's."""

    failure: str
    """What was wrong with the answer just read; empty where it was right."""
    heard: bool
    """Whether what was read last has the marker: some of what the caller waits for, not a head alone."""

    def greeting(self) -> bytes:
        """What goes out once, before the first call."""

    def call(self) -> bytes:
        """The next call."""

    def read(self, data: bytes) -> tuple[bool, bytes]:
        """Whether the answer is whole, and what must be sent back for it to go on.

        Raises ValueError for what is not the protocol.
        """
