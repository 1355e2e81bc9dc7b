"""What goes out over a connection, no faster than it is taken."""

from asyncio import Transport
from typing import Final

_JOINED_BYTES: Final = 64 << 10  # a body up to this goes out with its head as one; copying it costs less than a write
_SENT_AT_ONCE: Final = 1 << 20
_NOTHING: Final = memoryview(b"")


class Outgoing:
    """The requests of one connection, one after another. A large body is handed on in parts, without copies of it.

    `full` is true while the transport takes no more.
    """

    def __init__(self, transport: Transport) -> None:
        self.full = False
        self._transport = transport
        self._left = _NOTHING

    @property
    def all_sent(self) -> bool:
        return not self._left and not self._transport.get_write_buffer_size()

    def send(self, head: bytes, body: bytes) -> None:
        if len(body) <= _JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._left = memoryview(body)
            self.go_on()

    def go_on(self) -> None:
        """Hands on what the transport takes."""
        while self._left and not self.full:
            piece, self._left = self._left[:_SENT_AT_ONCE], self._left[_SENT_AT_ONCE:]
            self._transport.write(piece)
