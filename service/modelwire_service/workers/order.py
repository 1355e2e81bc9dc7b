"""What a supervisor gives a worker to begin with, by the socket between them: not by arguments, which all can read."""

import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Final

from modelwire_service.settings import Settings

_LENGTH: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Order:
    """Which worker it is, from 1, and its part of the settings.

    `listener` is the number of the open file that HTTP listens on, None where the worker opens its own. With
    `shares_models`, the supervisor has the embedded models.
    """

    number: int
    settings: Settings
    listener: int | None
    shares_models: bool


def send_order(end: socket.socket, order: Order) -> None:
    written = pickle.dumps(order)
    end.sendall(_LENGTH.pack(len(written)) + written)


def received_order(end: socket.socket) -> Order:
    """Waits for the order. Raises EOFError where the supervisor is gone."""
    (length,) = _LENGTH.unpack(_exactly(end, _LENGTH.size))
    order = pickle.loads(_exactly(end, length))  # noqa: S301 - from the process that started this one
    assert isinstance(order, Order)  # noqa: S101
    return order


def _exactly(end: socket.socket, size: int) -> bytes:
    read = bytearray()
    while len(read) < size:
        if not (more := end.recv(size - len(read))):
            raise EOFError
        read += more
    return bytes(read)
