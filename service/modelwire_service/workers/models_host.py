"""The embedded models of all workers: a process each, kept by the supervisor."""

import contextlib
from typing import Any

from modelwire_service.errors import UpstreamUnavailable
from modelwire_service.upstreams.embedded.chat_process import ChatProcess
from modelwire_service.upstreams.embedded.packages import CHAT_WEIGHTS, weights_path
from modelwire_service.workers.channel import Handlers
from modelwire_service.workers.embedding_process import EmbeddingProcess


class ModelsHost:
    """Both processes. They are started again where they have died and are asked for."""

    def __init__(self) -> None:
        self._chat = ChatProcess(weights_path(CHAT_WEIGHTS))
        self._embedding = EmbeddingProcess()

    @property
    def handlers(self) -> Handlers:
        """What is done about what workers say."""
        return {"chat": self.chat, "chat_ended": self._chat.ended_within, "embed": self._embedding.embed}

    async def start(self) -> None:
        """Starts both, if they can be; else workers find out when they ask."""
        await self.chat()
        with contextlib.suppress(UpstreamUnavailable):
            await self._embedding.ensure_running()

    async def chat(self) -> dict[str, Any]:
        """Where the chat model answers, after it was started if it did not run; or why it does not."""
        try:
            address = await self._chat.ensure_running()
        except UpstreamUnavailable as error:
            return {"error": error.message}
        return {"base_url": address.base_url, "key": address.key}

    async def close(self) -> None:
        await self._embedding.close()
        await self._chat.close()
