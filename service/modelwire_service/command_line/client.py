"""Small clients of a running server, over its gRPC door with the generated stubs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import orjson
from google.api import httpbody_pb2
from google.rpc import error_details_pb2, status_pb2
from modelwire.v1beta import chat_pb2, chat_pb2_grpc, models_pb2, models_pb2_grpc

from modelwire_service.tls.files import File, FileError
from modelwire_service.tls.grpc_credentials import channel_credentials

_LIMITS = (("grpc.max_receive_message_length", -1),)


class CallFailedError(Exception):
    """The server answered with an error; the text is for a person."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its gRPC address, the caller's key, and how to know that it is the right one.

    With `tls` its certificate is verified, by the authorities in the file `ca` or by the system's.
    """

    address: str
    api_key: str | None = field(default=None, repr=False)
    tls: bool = False
    ca: str | None = None

    def channel(self) -> grpc.Channel:
        """Raises CallFailedError where the file `ca` cannot be used."""
        if not (self.tls or self.ca):
            return grpc.insecure_channel(self.address, options=_LIMITS)
        try:
            authorities = File("--ca", Path(self.ca)).certificates() if self.ca else None
        except FileError as error:
            raise CallFailedError(str(error)) from None
        return grpc.secure_channel(self.address, channel_credentials(authorities), options=_LIMITS)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.api_key}"),) if self.api_key else ()


def model_ids(server: Server) -> list[str]:
    """The names of all models the server serves; raises CallFailedError."""
    with server.channel() as channel:
        try:
            stub = models_pb2_grpc.ModelServiceStub(channel)
            listed = stub.ListModels(models_pb2.ListModelsRequest(), metadata=server.metadata)
        except grpc.RpcError as error:
            raise CallFailedError(_told(error, server.address)) from None
    return [model.id for model in listed.data]


def first_model_id(server: Server) -> str:
    """The first model the server lists, which is a chat model where there is one embedded; raises CallFailedError."""
    for model in model_ids(server):
        return model
    raise CallFailedError(f"the server at {server.address} lists no models; name one with --model")


def chat_pieces(server: Server, model: str, prompt: str, system: str | None) -> Iterator[str]:
    """The text of a streamed reply, piece by piece as it comes; raises CallFailedError."""
    request = chat_pb2.ChatCompletionsRequest(model=model, stream=True)
    for role, content in (("system", system), ("user", prompt)):
        if content is not None:
            request.messages.add().update({"role": role, "content": content})
    with server.channel() as channel:
        try:
            stub = chat_pb2_grpc.ChatServiceStub(channel)
            for body in stub.ChatCompletions(request, metadata=server.metadata):
                yield from _texts(body)
        except grpc.RpcError as error:
            raise CallFailedError(_told(error, server.address)) from None


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
        return (
            f"no server answers at {address}; start one with `modelwire serve`, give its --address, or say --tls "
            "(--ca) if it speaks TLS"
        )
    return f"{error.code().name}: {error.details()}"


def _from_service(error: grpc.RpcError) -> bool:
    """Whether the service itself sent the error: it always says why in an ErrorInfo."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            details = status_pb2.Status.FromString(value).details
            return any(detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR) for detail in details)
    return False
