"""ChatService: a conversation in, a reply out, whole or streamed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson

from modelwire_service.call_record import current
from modelwire_service.completions import ChunkStream, completed
from modelwire_service.dispatch.dispatcher import Dispatcher
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.rpc import EVENT_STREAM, JSON, http_body
from modelwire_service.upstreams.base import Json
from modelwire_service.validation import validate_chat


class ChatService:
    """modelwire.v1beta.ChatService over the upstreams of a catalog."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._dispatcher = Dispatcher(catalog)

    async def chat_completions(self, request: Json) -> AsyncGenerator[bytes]:
        """Yields google.api.HttpBody messages: one JSON document, or batches of server-sent events."""
        request = validate_chat(request)
        if not request.get("stream"):
            yield await self._whole(request)
            return
        async with aclosing(self._streamed(request)) as messages:
            async for message in messages:
                yield message

    async def _whole(self, request: Json) -> bytes:
        reply = completed(await self._dispatcher.chat(request), request["model"])
        current().count(reply.get("usage"))
        return http_body(JSON, orjson.dumps(reply))

    async def _streamed(self, request: Json) -> AsyncGenerator[bytes]:
        include_usage = bool((request.get("stream_options") or {}).get("include_usage"))
        stream: ChunkStream | None = None
        record = current()
        try:
            async with aclosing(self._dispatcher.stream_chat(request)) as batches:
                async for batch in batches:
                    record.pieces += len(batch)
                    # Not before: the model is that of the upstream that answers.
                    stream = stream or ChunkStream(request["model"], include_usage=include_usage)
                    if events := stream.events(batch):
                        yield http_body(EVENT_STREAM, events)
            if stream is not None:
                yield http_body(EVENT_STREAM, stream.end())
        finally:
            if stream is not None:
                record.count(stream.usage)
