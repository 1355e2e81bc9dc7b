"""The same calls through every door: a chat, a stream, embeddings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message
from modelwire.v1.chat_pb2 import ROLE_SYSTEM, ROLE_USER, ChatMessage
from modelwire.v1.chat_service_pb2 import CreateChatCompletionRequest
from modelwire.v1.embedding_service_pb2 import CreateEmbeddingsRequest
from modelwire.v1beta.chat_pb2 import ChatCompletionsRequest
from modelwire.v1beta.embeddings_pb2 import GenerateEmbeddingsRequest

from bench.cases import checks
from bench.cases.case import GRPC, REST
from bench.doors import reading
from bench.doors.reading import Wrong
from bench.load.dialogue import Expected
from bench.upstream import answers

DOORS: Final = (
    OPENAI := "REST",
    BASE64 := "REST, base64",
    MIRROR := "v1beta over gRPC",
    TYPED := "v1 over gRPC",
    TYPED_REST := "v1 over REST",
)
"""In the order of the report. The first is what OpenAI's clients call."""

CHAT: Final = "Short chat"
STREAM: Final = f"Stream of {answers.STREAM_EVENTS} events"
EMBEDDINGS: Final = f"Embeddings {answers.TEXTS} × {answers.DIMENSIONS:,}"

_SYSTEM: Final = "You are brief."
_PROMPT: Final = f"What does a gateway do? Tell me, {answers.PROMPT_END}"
_TEXTS: Final = [f"Text {number} of {answers.TEXTS}, {answers.PROMPT_END}" for number in range(answers.TEXTS)]
_V1: Final = "/v1/modelwire"
_EVENT: Final = f'"{answers.TOKEN}"'.encode()


@dataclass(frozen=True, slots=True)
class Way:
    """A call through a door. `body` is what is posted, or gRPC's request message.

    `wrong` reads a whole answer; `expected` is what is counted in every answer under load.
    """

    call: str
    door: str
    protocol: str
    path: str
    body: bytes
    expected: Expected
    wrong: Wrong
    headers: Mapping[str, str] = field(default_factory=dict)


def all_ways() -> Sequence[Way]:
    """Every call through every door that has it."""
    return (*_chats(), *_streams(), *_embeddings())


def _chats() -> Sequence[Way]:
    asked, typed = _chat(answers.SHORT), _typed_chat(answers.SHORT)
    said, check = Expected(answers.REPLY_END.encode()), checks.completion(answers.REPLY_END)
    rpc = "/modelwire.v1.ChatService/CreateChatCompletion"
    return (
        Way(CHAT, OPENAI, REST, "/v1/chat/completions", _posted(asked), said, reading.body(check)),
        Way(CHAT, MIRROR, GRPC, _MIRRORED_CHAT, _mirrored_chat(asked), said, reading.http_bodies(check)),
        Way(CHAT, TYPED, GRPC, rpc, typed.SerializeToString(), said, reading.typed_chat),
        Way(CHAT, TYPED_REST, REST, f"{_V1}/chat/completions", _as_json(typed), said, reading.typed_chat_as_json),
    )


def _streams() -> Sequence[Way]:
    asked, typed = _chat(answers.STREAM, stream=True), _typed_chat(answers.STREAM)
    count, check = answers.STREAM_EVENTS, checks.stream(answers.STREAM_EVENTS)
    events, tokens = Expected(_EVENT, count), Expected(answers.TOKEN.encode(), count)
    rpc, path = "/modelwire.v1.ChatService/StreamChatCompletion", f"{_V1}/chat/completions:stream"
    sse = {"accept": "text/event-stream"}
    return (
        Way(STREAM, OPENAI, REST, "/v1/chat/completions", _posted(asked), events, reading.body(check)),
        Way(STREAM, MIRROR, GRPC, _MIRRORED_CHAT, _mirrored_chat(asked), events, reading.http_bodies(check)),
        Way(STREAM, TYPED, GRPC, rpc, typed.SerializeToString(), tokens, reading.typed_stream),
        Way(STREAM, TYPED_REST, REST, path, _as_json(typed), tokens, reading.typed_stream_as_events, sse),
    )


def _embeddings() -> Sequence[Way]:
    asked: dict[str, Any] = {"model": answers.EMBED, "input": _TEXTS, "encoding_format": "float"}
    in_base64, typed = (
        asked | {"encoding_format": "base64"},
        CreateEmbeddingsRequest(model=answers.EMBED, inputs=_TEXTS),
    )
    mirrored: bytes = json_format.ParseDict(asked, GenerateEmbeddingsRequest()).SerializeToString()
    # In JSON once as a name and once as the kind of object, for each.
    both, kinds, last = (
        Expected(b'"embedding"', 2 * answers.TEXTS),
        Expected(b"embedding", answers.TEXTS),
        Expected(answers.vectors()[-1].tobytes()),
    )
    path, check, named = "/v1/embeddings", reading.body(checks.vectors), Expected(b'"values"', answers.TEXTS)
    beta, rpc = (
        "/modelwire.v1beta.EmbeddingService/GenerateEmbeddings",
        "/modelwire.v1.EmbeddingService/CreateEmbeddings",
    )
    return (
        Way(EMBEDDINGS, OPENAI, REST, path, _posted(asked), both, check),
        Way(EMBEDDINGS, BASE64, REST, path, _posted(in_base64), both, check),
        Way(EMBEDDINGS, MIRROR, GRPC, beta, mirrored, kinds, reading.mirrored_vectors),
        Way(EMBEDDINGS, TYPED, GRPC, rpc, typed.SerializeToString(), last, reading.typed_vectors),
        Way(EMBEDDINGS, TYPED_REST, REST, f"{_V1}/embeddings", _as_json(typed), named, reading.typed_vectors_as_json),
    )


_MIRRORED_CHAT: Final = "/modelwire.v1beta.ChatService/ChatCompletions"


def _chat(model: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": _PROMPT}]
    return {"model": model, "messages": messages, "temperature": 0.7, "max_completion_tokens": 100, **more}


def _mirrored_chat(asked: dict[str, Any]) -> bytes:
    message: bytes = ChatCompletionsRequest(**asked).SerializeToString()
    return message


def _typed_chat(model: str) -> CreateChatCompletionRequest:
    messages = [ChatMessage(role=ROLE_SYSTEM, text=_SYSTEM), ChatMessage(role=ROLE_USER, text=_PROMPT)]
    return CreateChatCompletionRequest(model=model, messages=messages, temperature=0.7, max_completion_tokens=100)


def _posted(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _as_json(message: Message) -> bytes:
    return _posted(json_format.MessageToDict(message))
