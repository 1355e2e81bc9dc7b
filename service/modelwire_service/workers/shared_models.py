"""The embedded models as a worker has them: the supervisor's.

It is told where the chat model answers, and calls it itself. Texts for the embedding model go through the supervisor to
its process, and vectors come back as they are in memory (float32, little-endian), in base64.
"""

from collections.abc import Sequence

import numpy as np
import pybase64

from modelwire_service.errors import InvalidRequest, UpstreamUnavailable, Violation
from modelwire_service.upstreams.embedded.adapter import EmbeddedModels
from modelwire_service.upstreams.embedded.chat_process import ChatAddress
from modelwire_service.upstreams.embedded.embedder import Vector
from modelwire_service.workers.channel import Channel


def shared_models(channel: Channel) -> EmbeddedModels:
    """Those of the supervisor at the other end of `channel`."""
    return EmbeddedModels(SharedChat(channel), SharedEmbedder(channel))


class SharedChat:
    """The chat model of the supervisor's process."""

    pid = None

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def ensure_running(self) -> ChatAddress:
        told = await self._channel.ask("chat")
        if "error" in told:
            raise UpstreamUnavailable(told["error"], sent=False)
        return ChatAddress(told["base_url"], told["key"])

    async def ended_within(self, seconds: float) -> bool:
        return bool(await self._channel.ask("chat_ended", seconds))

    async def close(self) -> None:
        """It goes on for the others."""


class SharedEmbedder:
    """The embedding model of the supervisor's process."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def load_soon(self) -> None:
        """The supervisor sees to it."""

    async def embed(self, texts: Sequence[str], dimensions: int | None = None) -> tuple[list[Vector], int]:
        told = await self._channel.ask("embed", texts, dimensions)
        if "violations" in told:
            raise InvalidRequest([Violation(*violation) for violation in told["violations"]])
        if "unavailable" in told:
            raise UpstreamUnavailable(told["unavailable"], sent=True)
        vectors = np.frombuffer(pybase64.b64decode(told["vectors"]), "<f4").reshape(len(texts), -1)
        return list(vectors), told["tokens"]

    def close(self) -> None:
        """It goes on for the others."""
