"""Small clients of a running server, over its gRPC door with the generated stubs."""

from collections.abc import Iterator

import grpc
import orjson
from google.api import httpbody_pb2
from google.rpc import error_details_pb2, status_pb2
from modelwire.v1beta import chat_pb2, chat_pb2_grpc, models_pb2, models_pb2_grpc

_LIMITS = (("grpc.max_receive_message_length", -1),)


class CallFailedError(Exception):
    """The server answered with an error; the text is for a person."""


def model_ids(address: str) -> list[str]:
    """The names of all models the server at `address` serves; raises CallFailedError."""
    with grpc.insecure_channel(address, options=_LIMITS) as channel:
        try:
            listed = models_pb2_grpc.ModelServiceStub(channel).ListModels(models_pb2.ListModelsRequest())
        except grpc.RpcError as error:
            raise CallFailedError(_told(error, address)) from None
    return [model.id for model in listed.data]


def first_model_id(address: str) -> str:
    """The first model the server lists, which is a chat model where there is one embedded; raises CallFailedError."""
    for model in model_ids(address):
        return model
    raise CallFailedError(f"the server at {address} lists no models; name one with --model")


def chat_pieces(address: str, model: str, prompt: str, system: str | None) -> Iterator[str]:
    """The text of a streamed reply, piece by piece as it comes; raises CallFailedError."""
    request = chat_pb2.ChatCompletionsRequest(model=model, stream=True)
    for role, content in (("system", system), ("user", prompt)):
        if content is not None:
            request.messages.add().update({"role": role, "content": content})
    with grpc.insecure_channel(address, options=_LIMITS) as channel:
        try:
            for body in chat_pb2_grpc.ChatServiceStub(channel).ChatCompletions(request):
                yield from _texts(body)
        except grpc.RpcError as error:
            raise CallFailedError(_told(error, address)) from None


def _texts(body: httpbody_pb2.HttpBody) -> Iterator[str]:
    """The pieces of text in a batch of `data: {chunk}` events."""
    for event in body.data.split(b"\n\n"):
        payload = event.removeprefix(b"data: ")
        if payload and payload != b"[DONE]":
            for choice in orjson.loads(payload)["choices"]:
                if text := choice["delta"].get("content"):
                    yield text


def _told(error: grpc.RpcError, address: str) -> str:
    if error.code() is grpc.StatusCode.UNAVAILABLE and not _from_service(error):
        return f"no server answers at {address}; start one with `modelwire serve`, or give its --address"
    return f"{error.code().name}: {error.details()}"


def _from_service(error: grpc.RpcError) -> bool:
    """Whether the service itself sent the error: it always says why in an ErrorInfo."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            details = status_pb2.Status.FromString(value).details
            return any(detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR) for detail in details)
    return False
