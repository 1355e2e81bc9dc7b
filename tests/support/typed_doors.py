"""The doors to a conversation: modelwire.v1 and v1beta, each over gRPC and REST, over either backend."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import orjson
from google.protobuf import json_format
from modelwire.v1 import chat_pb2, chat_service_pb2, chat_service_pb2_grpc, embedding_service_pb2_grpc
from modelwire.v1beta import chat_pb2 as beta_pb2
from modelwire.v1beta import chat_pb2_grpc as beta_pb2_grpc
from modelwire_gateway.json_codec import MessageCodec
from support.stack import Stack

Json = dict[str, Any]
PATH = "/v1/modelwire/chat/completions"
_REQUEST = beta_pb2.DESCRIPTOR.message_types_by_name["ChatCompletionsRequest"]


@dataclass(frozen=True)
class TypedDoors:
    """Clients at all doors of one stack."""

    channel: grpc.aio.Channel
    http: dict[str, httpx.AsyncClient]

    @property
    def chat(self) -> chat_service_pb2_grpc.ChatServiceStub:
        return chat_service_pb2_grpc.ChatServiceStub(self.channel)

    @property
    def embeddings(self) -> embedding_service_pb2_grpc.EmbeddingServiceStub:
        return embedding_service_pb2_grpc.EmbeddingServiceStub(self.channel)

    async def typed(self, request: chat_service_pb2.CreateChatCompletionRequest) -> list[chat_pb2.ChatCompletion]:
        """The answers of modelwire.v1: over gRPC, and over REST by either backend."""
        answers = [await self.chat.CreateChatCompletion(request)]
        for client in self.http.values():
            response = await client.post(PATH, json=as_json(request))
            assert response.status_code == 200, response.text
            answers.append(json_format.Parse(response.content, chat_pb2.ChatCompletion()))
        return answers

    async def streamed(
        self, request: chat_service_pb2.CreateChatCompletionRequest
    ) -> list[list[chat_pb2.ChatCompletionChunk]]:
        """The chunks of modelwire.v1 from the same doors."""
        streams = [[chunk async for chunk in self.chat.StreamChatCompletion(request)]]
        for client in self.http.values():
            response = await client.post(
                f"{PATH}:stream", json=as_json(request), headers={"Accept": "application/x-ndjson"}
            )
            assert response.status_code == 200, response.text
            lines = response.content.splitlines()
            streams.append([json_format.Parse(line, chat_pb2.ChatCompletionChunk()) for line in lines])
        return streams

    async def untyped(self, request: Json) -> list[Json]:
        """The answers in OpenAI's JSON: of v1beta over gRPC, and over REST by either backend."""
        # Through the codec, which knows where fields go that nobody declared.
        wire = MessageCodec.of(_REQUEST).encode(request)
        message = beta_pb2.ChatCompletionsRequest.FromString(wire)
        stub = beta_pb2_grpc.ChatServiceStub(self.channel)
        answers = [orjson.loads(b"".join([body.data async for body in stub.ChatCompletions(message)]))]
        for client in self.http.values():
            response = await client.post("/v1/chat/completions", json=request)
            assert response.status_code == 200, response.text
            answers.append(response.json())
        return answers


def as_json(message: Any) -> Json:
    """A message as the body of a REST request."""
    body: Json = json_format.MessageToDict(message)
    return body


@asynccontextmanager
async def doors_of(stack: Stack) -> AsyncIterator[TypedDoors]:
    async with (
        grpc.aio.insecure_channel(stack.grpc_address) as channel,
        httpx.AsyncClient(base_url=stack.local_url, timeout=30) as local,
        httpx.AsyncClient(base_url=stack.remote_url, timeout=30) as remote,
    ):
        yield TypedDoors(channel, {"local": local, "remote": remote})
