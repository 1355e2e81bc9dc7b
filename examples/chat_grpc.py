"""Models, a chat, a streamed chat and an error with its details, over gRPC with the generated stubs."""

import json
import os
from collections.abc import Iterator
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from modelwire.v1beta.chat_pb2 import ChatCompletionsRequest
from modelwire.v1beta.chat_pb2_grpc import ChatServiceStub
from modelwire.v1beta.models_pb2 import ListModelsRequest
from modelwire.v1beta.models_pb2_grpc import ModelServiceStub


def request(**fields: Any) -> ChatCompletionsRequest:
    asked = ChatCompletionsRequest(model="smollm2-135m-instruct", max_tokens=32, **fields)
    asked.messages.add().update({"role": "user", "content": "Say hello."})
    return asked


def pieces(body: bytes) -> Iterator[str]:
    """The text in a batch of server-sent events."""
    for event in body.decode().split("\n\n"):
        payload = event.removeprefix("data: ")
        if payload and payload != "[DONE]":
            yield json.loads(payload)["choices"][0]["delta"].get("content") or ""


with grpc.insecure_channel(os.environ.get("MODELWIRE_GRPC_ADDRESS", "127.0.0.1:50051")) as channel:
    chat = ChatServiceStub(channel)
    for model in ModelServiceStub(channel).ListModels(ListModelsRequest()).data:
        print("model:", model.id)

    for message in chat.ChatCompletions(request()):
        print("reply:", json.loads(message.data)["choices"][0]["message"]["content"])

    print("stream: ", end="")
    for message in chat.ChatCompletions(request(stream=True)):
        print(*pieces(message.data), sep="", end="", flush=True)

    try:
        list(chat.ChatCompletions(request(temperature=3)))
    except grpc.RpcError as error:
        print(f"\nerror: {error.code().name}: {error.details()}")
        status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
        for detail in status.details:
            if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
                for violation in error_details_pb2.BadRequest.FromString(detail.value).field_violations:
                    print("field:", violation.field)
