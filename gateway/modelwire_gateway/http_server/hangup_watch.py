"""Noticing that clients leave whose input is not being read.

Theory of operation. An event loop learns of a client's leaving by reading: the end (FIN) stands behind the
bytes that came before it, and a transport that does not read asks the kernel for nothing, not even for
resets. But the kernel knows. epoll(7) tells EPOLLRDHUP, EPOLLHUP and EPOLLERR whether or not there are bytes
to read, and without EPOLLIN nothing else. The event loops have no word for that, so a server has an epoll of
its own, which the loop watches like any other file. A connection is in it only while its reading is paused,
which costs two system calls a pause, and connections that are read as fast as they send nothing at all.

What the kernel does not know nobody can tell. The end of a client that has more left to send than the kernel
takes (tcp(7), tcp_rmem) stays with the client's kernel, until reading goes on; its reset comes at once.
Over TLS, a client that says farewell and waits for ours before it closes is not noticed either: to the kernel
that is a message like any other.
Where there is no epoll, which is everywhere but on Linux, leaving is noticed once reading goes on.
"""

import select
import sys
from asyncio import AbstractEventLoop, Transport
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl


class HangUpWatch:
    """Calls back for sockets whose peer has closed or reset the connection, or has ended its output."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: dict[int, Callable[[], None]] = {}
        self._epoll = select.epoll() if sys.platform == "linux" else None
        if self._epoll is not None:
            loop.add_reader(self._epoll.fileno(), self._tell)

    def watch(self, fd: int, left: Callable[[], None]) -> None:
        """Calls `left`, once, when the peer of `fd` leaves or if it has; not within this call."""
        if self._epoll is not None:
            self._epoll.register(fd, select.EPOLLRDHUP)
            self._watched[fd] = left

    def ignore(self, fd: int) -> None:
        """Ends `watch`, before `fd` is closed; does nothing where it has ended by itself."""
        if self._epoll is not None and self._watched.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def close(self) -> None:
        """Ends all watching. May be called again."""
        self._watched.clear()
        if self._epoll is not None and not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _tell(self) -> None:
        assert self._epoll is not None  # noqa: S101 - the loop calls only where there is one
        for fd, _ in self._epoll.poll(0):
            left = self._watched[fd]
            self.ignore(fd)
            left()


class WatchedFlow(FlowControl):
    """The flow control of a connection, which calls `left` if the client leaves while reading is paused."""

    def __init__(self, transport: Transport, hang_ups: HangUpWatch, left: Callable[[], None]) -> None:
        super().__init__(transport)
        self._hang_ups = hang_ups
        self._left = left
        self._fd: int = transport.get_extra_info("socket").fileno()

    def pause_reading(self) -> None:
        if not self.read_paused:
            super().pause_reading()
            self._hang_ups.watch(self._fd, self._left)

    def resume_reading(self) -> None:
        if self.read_paused:
            self._hang_ups.ignore(self._fd)
            super().resume_reading()
