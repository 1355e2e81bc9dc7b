"""One connection of the load: a socket that never blocks, and the call on it."""

import select
import socket
from time import perf_counter
from typing import Final

from bench.load.dialogue import Dialogue
from bench.load.outcome import Outcome

_READ_BYTES: Final = 1 << 20


class Connection:
    """A connection of its own to `address`, HOST:PORT or unix:PATH."""

    def __init__(self, address: str, dialogue: Dialogue, poll: select.epoll, outcome: Outcome) -> None:
        self._dialogue = dialogue
        self._poll = poll
        self._outcome = outcome
        self._due = 0.0
        self._arrived = 0.0
        self._unsent = memoryview(b"")
        self._socket = connected(address)
        self._socket.setblocking(False)
        poll.register(self._socket.fileno(), select.EPOLLIN)
        self._send(dialogue.greeting())

    def fileno(self) -> int:
        return self._socket.fileno()

    def start(self, due: float) -> None:
        """Makes the next call, which was to be made at `due`."""
        self._due = due
        self._arrived = 0.0
        self._send(self._dialogue.call())

    def ready(self) -> bool:
        """Called when the socket can be read or written; whether an answer is whole. Raises OSError, ValueError."""
        if self._unsent:
            self._send(b"")
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        now = perf_counter()
        if not data:
            raise ConnectionError("the server closed the connection")
        done, reply = self._dialogue.read(data)
        if reply:
            self._send(reply)
        if self._dialogue.heard:
            self._note(now)
        if done:
            self._finish(now)
        return done

    def close(self) -> None:
        self._poll.unregister(self._socket.fileno())
        self._socket.close()

    def _note(self, now: float) -> None:
        if self._arrived:
            self._outcome.gaps.append(now - self._arrived)
        else:
            self._outcome.first.append(now - self._due)
        self._arrived = now

    def _finish(self, now: float) -> None:
        if self._dialogue.failure:
            self._outcome.failures[self._dialogue.failure] += 1
        else:
            self._outcome.times.append(now - self._due)

    def _send(self, data: bytes) -> None:
        waiting = bool(self._unsent)
        rest = memoryview(bytes(self._unsent) + data) if waiting else memoryview(data)
        try:
            while rest:
                rest = rest[self._socket.send(rest) :]
        except BlockingIOError:
            pass
        self._unsent = rest
        if bool(rest) != waiting:
            self._poll.modify(self._socket.fileno(), select.EPOLLIN | (select.EPOLLOUT if rest else 0))


def connected(address: str) -> socket.socket:
    if address.startswith("unix:"):
        local = socket.socket(socket.AF_UNIX)
        local.connect(address.removeprefix("unix:"))
        return local
    host, _, port = address.rpartition(":")
    opened = socket.create_connection((host, int(port)), timeout=10)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened
