"""A relay of TCP that counts what passes, so that any client's bytes are those on the wire."""

import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_READ_BYTES: Final = 1 << 16
_UP: Final = "up"
_DOWN: Final = "down"


class Relay:
    """Between one client at a time and `target`, HOST:PORT, until the block ends.

    Bytes are counted before they are passed on: whoever has an answer finds all of it counted. The headers of TCP and
    IP are not.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._threads: list[threading.Thread] = []
        self._passed: Counter[str] = Counter()

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    @property
    def passed(self) -> tuple[int, int]:
        """How many bytes the client sent, and how many it was sent."""
        return self._passed[_UP], self._passed[_DOWN]

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += client, server
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._run(self._pass_on, client, server, _UP)
                self._run(self._pass_on, server, client, _DOWN)

    def _pass_on(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(_READ_BYTES):
                self._passed[way] += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
