"""ChatService: a conversation in, a reply out, whole or in chunks."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from modelwire_service.chat import Conversations
from modelwire_service.errors import ServiceError
from modelwire_service.typed.answers import chunk_wire, completion_wire, head_wire
from modelwire_service.typed.field_names import in_v1_fields
from modelwire_service.typed.requests import chat_request
from modelwire_service.upstreams.base import Batch, Json
from modelwire_service.upstreams.text_runs import TextRun
from modelwire_service.validation import validate_chat


class ChatService:
    """modelwire.v1.ChatService."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    async def create_chat_completion(self, request: Json) -> bytes:
        """The whole reply, in wire form."""
        asked = chat_request(request)
        try:
            return completion_wire(await self._conversations.whole(validate_chat(asked)))
        except ServiceError as error:
            raise in_v1_fields(error) from error.__cause__

    async def stream_chat_completion(self, request: Json) -> AsyncGenerator[bytes]:
        """The chunks of the reply, in wire form; the last has the usage, where the upstream tells."""
        asked = chat_request(request)
        try:
            asked = validate_chat(asked | {"stream": True})
            chunks = self._conversations.streamed(asked, _ChunkWriter(), include_usage=True)
            async with aclosing(chunks) as messages:
                async for message in messages:
                    yield message
        except ServiceError as error:
            raise in_v1_fields(error) from error.__cause__


class _ChunkWriter:
    """A message for each chunk, and for each run of them. What all have alike is written once: bytes of a message may
    stand side by side."""

    def __init__(self) -> None:
        self._head = b""

    def chunks(self, chunks: Batch) -> Iterator[bytes]:
        for given in chunks:
            chunk = given.joined() if isinstance(given, TextRun) else given
            self._head = self._head or head_wire(chunk)
            yield self._head + chunk_wire(chunk)

    def closing(self, chunks: Batch) -> Iterable[bytes]:
        return self.chunks(chunks)
