"""ChatService: a conversation in, a reply out, whole or streamed."""

from collections.abc import AsyncGenerator, Iterable
from typing import Protocol

import orjson

from modelwire_service.call_record import current
from modelwire_service.completions import ChunkStream, completed
from modelwire_service.dispatch.dispatcher import Dispatcher
from modelwire_service.events import DONE, Events
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.rpc import EVENT_STREAM, JSON, LastHttpBody, http_body
from modelwire_service.upstreams.base import Batch, Json
from modelwire_service.upstreams.text_runs import count_in
from modelwire_service.validation import validate_chat


class Writer(Protocol):
    """How the chunks of a reply are written as messages."""

    def chunks(self, chunks: Batch) -> Iterable[bytes]:
        """The messages for chunks that arrived together; there may be none."""
        ...

    def closing(self, chunks: Batch) -> Iterable[bytes]:
        """The messages for the last chunks, and for the end of a reply that is whole."""
        ...


class Conversations:
    """Replies from the upstreams of a catalog, to requests in OpenAI's JSON; what every door's RPCs come to."""

    def __init__(self, catalog: ModelCatalog) -> None:
        self._dispatcher = Dispatcher(catalog)

    async def whole(self, request: Json) -> Json:
        """The reply to a valid request, as one `chat.completion`."""
        reply = completed(await self._dispatcher.chat(request), request["model"])
        current().count(reply.get("usage"))
        return reply

    async def streamed(self, request: Json, writer: Writer, *, include_usage: bool) -> AsyncGenerator[bytes]:
        """The reply to a valid request, as what `writer` makes of its chunks."""
        stream: ChunkStream | None = None
        record = current()
        batches = self._dispatcher.stream_chat(request)
        try:
            async for batch in batches:
                record.pieces += count_in(batch)
                # Not before: the model is that of the upstream that answers.
                stream = stream or ChunkStream(request["model"], include_usage=include_usage)
                for message in writer.chunks(stream.chunks(batch)):
                    yield message
            if stream is not None:
                for message in writer.closing(stream.closing()):
                    yield message
        finally:
            if stream is not None:
                record.count(stream.usage)
            await batches.aclose()


class ChatService:
    """modelwire.v1beta.ChatService."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    def chat_completions(self, request: Json) -> AsyncGenerator[bytes]:
        """Yields google.api.HttpBody messages: one JSON document, or batches of server-sent events."""
        request = validate_chat(request)
        if not request.get("stream"):
            return self._whole(request)
        include_usage = bool((request.get("stream_options") or {}).get("include_usage"))
        return self._conversations.streamed(request, _EventWriter(), include_usage=include_usage)

    async def _whole(self, request: Json) -> AsyncGenerator[bytes]:
        yield LastHttpBody(JSON, orjson.dumps(await self._conversations.whole(request)))


class _EventWriter:
    """Server-sent events in google.api.HttpBody messages; the last ends in `[DONE]`."""

    def __init__(self) -> None:
        self._events = Events()

    def chunks(self, chunks: Batch) -> Iterable[bytes]:
        return (http_body(EVENT_STREAM, self._events.of(chunks)),) if chunks else ()

    def closing(self, chunks: Batch) -> Iterable[bytes]:
        return (http_body(EVENT_STREAM, self._events.of(chunks) + DONE),)
