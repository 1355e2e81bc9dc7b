"""The process of the embedding model of all workers, as their supervisor sees it."""

import asyncio
import contextlib
import socket
from asyncio.subprocess import Process
from collections.abc import Sequence
from typing import Any, Final

from modelwire_service.errors import UpstreamUnavailable
from modelwire_service.workers.channel import Channel
from modelwire_service.workers.process import started

_PROGRAM: Final = "modelwire_service.workers.embedding_program"


class EmbeddingProcess:
    """Runs from the first use on, and is started again when it is used after its death."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._channel: Channel | None = None
        self._lock = asyncio.Lock()
        self._closed = False

    async def embed(self, texts: Sequence[str], dimensions: int | None) -> dict[str, Any]:
        """What the process answers; `unavailable` with a sentence where it does not."""
        try:
            return dict(await (await self.ensure_running()).ask("embed", texts, dimensions))
        except UpstreamUnavailable as error:
            return {"unavailable": error.message}
        except ConnectionError:
            return {"unavailable": "the process of the embedding model ended in the middle of the call"}

    async def ensure_running(self) -> Channel:
        """The channel to the process. Raises UpstreamUnavailable after `close`."""
        async with self._lock:
            if self._closed:
                raise UpstreamUnavailable("the embedding model has been shut down", sent=False)
            if self._channel is None or self._channel.lost.done():
                await self._reap()
                await self._start()
            assert self._channel is not None  # noqa: S101
            return self._channel

    async def close(self) -> None:
        """Ends the process, after the batch at hand."""
        self._closed = True
        async with self._lock:
            await self._reap()

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = await started(_PROGRAM, [theirs.fileno()])
            self._channel = await Channel.over(ours, {})
        except BaseException:
            ours.close()  # upon which the process, if there is one, ends
            raise

    async def _reap(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
