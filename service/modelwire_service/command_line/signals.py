"""SIGTERM and SIGINT as an event; a second one ends the process at once."""

import asyncio
import os
import signal


def stop_signal() -> asyncio.Event:
    """An event of the running loop that is set by the first SIGTERM or SIGINT."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop
