"""A worker: `python -m modelwire_service.workers.program FILE`, with the number of the socket to its supervisor.

It ends at once when its supervisor is gone, as the supervisor's calls would if it served them itself: whoever starts
the next one needs the ports.
"""

import asyncio
import os
import signal
import socket
import sys

import uvloop

from modelwire_service.command_line.serve import Surroundings, serve_in
from modelwire_service.logs import set_up_logs
from modelwire_service.settings import ConfigurationError
from modelwire_service.workers.channel import Channel
from modelwire_service.workers.order import Order, received_order
from modelwire_service.workers.shared_limits import SupervisedLimiter


def main() -> int:
    end = socket.socket(fileno=int(sys.argv[1]))
    try:
        order = received_order(end)
    except EOFError:
        return 1
    set_up_logs(order.settings.log_level, order.settings.log_format, order.number)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_work(end, order))


async def _work(end: socket.socket, order: Order) -> int:
    """Serves until the supervisor has it drain, or SIGTERM does. Signals of a terminal are the supervisor's."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    channel = await Channel.over(end, {"drain": stop.set})
    channel.lost.add_done_callback(lambda _: os._exit(1))
    try:
        await serve_in(_surroundings(channel, order, stop), order.settings, os.environ)
    except ConfigurationError as error:
        await channel.ask("refused", error.complaints)
        return 1
    except OSError as error:
        await channel.ask("failed", str(error))
        return 1
    return 0


def _surroundings(channel: Channel, order: Order, stop: asyncio.Event) -> Surroundings:
    models = None
    if order.shares_models:
        # Imported here: where no model is embedded, nothing of theirs need be there.
        from modelwire_service.workers.shared_models import shared_models

        models = shared_models(channel)
    return Surroundings(
        stop,
        lambda _prepared, _doors: channel.tell("serving"),
        limiter=None if order.settings.redis else SupervisedLimiter(channel),
        models=models,
        listener=None if order.listener is None else socket.socket(fileno=order.listener),
    )


if __name__ == "__main__":
    sys.exit(main())
