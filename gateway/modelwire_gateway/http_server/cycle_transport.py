"""What uvicorn's request cycle may do with its connection."""

from asyncio import Transport
from collections.abc import Callable


class CycleTransport:
    """The part of a transport a `RequestResponseCycle` uses, with `close` left to the connection.

    A cycle closes its transport after an answer that says `connection: close`, be the request's body read
    or not. Bound methods as attributes: a write costs no call more than without.
    """

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, transport: Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close
