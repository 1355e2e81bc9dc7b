"""ChatService: a conversation in, a reply out, whole or streamed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson

from modelwire_service.call_record import current
from modelwire_service.completions import ChunkStream, completed
from modelwire_service.dispatch import target_of
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.rpc import EVENT_STREAM, JSON, http_body
from modelwire_service.upstreams.base import Json, Upstream
from modelwire_service.validation import validate_chat


class ChatService:
    """modelwire.v1beta.ChatService over the upstreams of a catalog."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._catalog = catalog

    async def chat_completions(self, request: Json) -> AsyncGenerator[bytes]:
        """Yields google.api.HttpBody messages: one JSON document, or batches of server-sent events."""
        request = validate_chat(request)
        target = await target_of(request["model"], self._catalog)
        request["model"] = target.model
        if not request.get("stream"):
            yield await _whole(target.upstream, request)
            return
        async with aclosing(_streamed(target.upstream, request)) as messages:
            async for message in messages:
                yield message


async def _whole(upstream: Upstream, request: Json) -> bytes:
    reply = completed(await upstream.chat(request), request["model"])
    current().count(reply.get("usage"))
    return http_body(JSON, orjson.dumps(reply))


async def _streamed(upstream: Upstream, request: Json) -> AsyncGenerator[bytes]:
    options = request.get("stream_options") or {}
    stream = ChunkStream(request["model"], include_usage=bool(options.get("include_usage")))
    try:
        async with aclosing(upstream.stream_chat(request)) as batches:
            async for batch in batches:
                if events := stream.events(batch):
                    yield http_body(EVENT_STREAM, events)
        yield http_body(EVENT_STREAM, stream.end())
    finally:
        current().count(stream.usage)
