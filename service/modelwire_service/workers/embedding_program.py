"""Runs the embedding model: `python -m modelwire_service.workers.embedding_program FILE`, with the number of a socket.

It serves until the process at the other end is gone.
"""

import asyncio
import os
import signal
import socket
import sys
from functools import partial
from typing import Any

import numpy as np
import pybase64
import uvloop

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.embedded.embedder import Embedder
from modelwire_service.upstreams.embedded.packages import EMBEDDING_WEIGHTS, weights_path
from modelwire_service.workers.channel import Channel


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(socket.socket(fileno=int(sys.argv[1]))))


async def _serve(end: socket.socket) -> None:
    embedder = Embedder(weights_path(EMBEDDING_WEIGHTS))
    # Whoever stops the whole server lets its running calls finish, and those may need this process.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel = await Channel.over(end, {"embed": partial(_embed, embedder)})
    embedder.load_soon()
    await channel.lost
    os._exit(0)  # a batch at hand would delay an orderly exit, and nobody waits for it


async def _embed(embedder: Embedder, texts: list[str], dimensions: int | None) -> dict[str, Any]:
    try:
        vectors, tokens = await embedder.embed(texts, dimensions)
    except InvalidRequest as error:
        return {"violations": [[each.field, each.reason] for each in error.violations]}
    return {"vectors": pybase64.b64encode_as_string(np.asarray(vectors, "<f4").data), "tokens": tokens}


if __name__ == "__main__":
    main()
