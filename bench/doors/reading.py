"""Whether the answer to a call is right, read as its door has it."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import json_format
from modelwire.v1.chat_pb2 import ChatCompletion, ChatCompletionChunk
from modelwire.v1.embedding_service_pb2 import CreateEmbeddingsResponse
from modelwire.v1beta.embeddings_pb2 import GenerateEmbeddingsResponse

from bench.cases import checks
from bench.cases.checks import Check
from bench.upstream import answers

Wrong = Callable[[Sequence[bytes]], str]
"""From the messages of an answer, to what is wrong with it; "" where nothing is. A body of REST is one message."""


def body(check: Check) -> Wrong:
    """Of a body of REST."""
    return lambda messages: check(b"".join(messages))


def http_bodies(check: Check) -> Wrong:
    """Of a body that comes in messages of google.api.HttpBody."""
    return lambda messages: check(b"".join(HttpBody.FromString(message).data for message in messages))


def mirrored_vectors(messages: Sequence[bytes]) -> str:
    """Of modelwire.v1beta, whose messages mirror the JSON."""
    return checks.vectors(json_format.MessageToJson(GenerateEmbeddingsResponse.FromString(messages[0])).encode())


def typed_chat(messages: Sequence[bytes]) -> str:
    return _chat(ChatCompletion.FromString(messages[0]))


def typed_chat_as_json(messages: Sequence[bytes]) -> str:
    return _chat(json_format.Parse(messages[0], ChatCompletion()))


def typed_stream(messages: Sequence[bytes]) -> str:
    return _stream(map(ChatCompletionChunk.FromString, messages))


def typed_stream_as_events(messages: Sequence[bytes]) -> str:
    events = [line.removeprefix(b"data: ") for line in messages[0].splitlines() if line]
    return _stream(json_format.Parse(event, ChatCompletionChunk()) for event in events)


def typed_vectors(messages: Sequence[bytes]) -> str:
    return _vectors(CreateEmbeddingsResponse.FromString(messages[0]))


def typed_vectors_as_json(messages: Sequence[bytes]) -> str:
    return _vectors(json_format.Parse(messages[0], CreateEmbeddingsResponse()))


def _chat(completion: ChatCompletion) -> str:
    said = completion.choices[0].message.text
    right = said.endswith(answers.REPLY_END) and completion.usage.total_tokens == 60
    return "" if right else f"the answer says {said[-80:]!r}, the usage is {completion.usage.total_tokens}"


def _stream(chunks: Iterable[ChatCompletionChunk]) -> str:
    said = "".join(choice.delta.text for chunk in chunks for choice in chunk.choices)
    return "" if said == answers.TOKEN * answers.STREAM_EVENTS else f"the chunks say {said[-80:]!r}"


def _vectors(response: CreateEmbeddingsResponse) -> str:
    got = [list(embedding.values) for embedding in response.embeddings]
    return "" if np.array_equal(got, answers.vectors()) else "the vectors are not those that the upstream sent"
