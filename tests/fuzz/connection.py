"""Plays a plan on a connection of its own."""

import asyncio
import socket
import struct
from contextlib import suppress

from fuzz.plans import Plan
from fuzz.verdict import Outcome

PATIENCE = 10.0
"""Seconds without a byte, after which a server that owes an answer or an end hangs."""
_QUIET = 0.15
_READ_BYTES = 2**18


async def play(plan: Plan, address: str, *, patience: float = PATIENCE) -> Outcome:
    """Sends what the plan says and collects what comes back, until the connection has ended or `patience` has."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    outcome = Outcome()
    sending = asyncio.create_task(_send(plan, writer))
    try:
        if plan.ending in ("close", "reset"):
            await asyncio.wait_for(sending, patience)
            _leave(writer, outcome, reset=plan.ending == "reset")
        else:
            await _converse(plan, reader, writer, outcome, patience)
        outcome.ended = True
    except ConnectionError:
        outcome.ended = True
    except TimeoutError:
        pass
    finally:
        sending.cancel()
        writer.transport.abort()
    return outcome


async def _converse(
    plan: Plan, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, outcome: Outcome, patience: float
) -> None:
    if plan.ending == "half-close":
        # Only who understood the bytes can say whether an answer is due, so silence ends the wait.
        with suppress(TimeoutError):
            await _read(reader, outcome.received, _QUIET)
            return
        outcome.left = True
        with suppress(OSError):
            writer.write_eof()
    await _read(reader, outcome.received, patience)


async def _read(reader: asyncio.StreamReader, received: bytearray, patience: float) -> None:
    """Reads to the end; raises TimeoutError after `patience` seconds without a byte."""
    while True:
        async with asyncio.timeout(patience):
            piece = await reader.read(_READ_BYTES)
        if not piece:
            return
        received += piece


async def _send(plan: Plan, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        for piece in plan.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)


def _leave(writer: asyncio.StreamWriter, outcome: Outcome, *, reset: bool) -> None:
    outcome.left = True
    if reset:
        no_linger = struct.pack("ii", 1, 0)
        with suppress(OSError):  # the server was faster
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    writer.transport.abort()
