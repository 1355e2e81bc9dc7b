"""Assembles the services, the call interceptor, health and reflection into one grpc.aio server."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import grpc
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from modelwire.v1 import chat_service_pb2, embedding_service_pb2, model_service_pb2
from modelwire.v1beta import chat_pb2, embeddings_pb2, models_pb2

from modelwire_service import typed
from modelwire_service.chat import ChatService, Conversations
from modelwire_service.embeddings import EmbeddingService, Vectors
from modelwire_service.entrance import Entrance
from modelwire_service.interceptors import CallInterceptor
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.models import Models, ModelService
from modelwire_service.rpc import streaming, unary
from modelwire_service.sturdy_server import add_services, sturdy_server
from modelwire_service.upstreams.base import Json

_FILES: Final[tuple[FileDescriptor, ...]] = (
    chat_pb2.DESCRIPTOR,
    embeddings_pb2.DESCRIPTOR,
    models_pb2.DESCRIPTOR,
    chat_service_pb2.DESCRIPTOR,
    embedding_service_pb2.DESCRIPTOR,
    model_service_pb2.DESCRIPTOR,
)
_METADATA_BYTES: Final = 64 * 1024
_PING_MS: Final = 20_000
_CLIENTS_PING_MS: Final = 10_000
_HANDSHAKE_MS: Final = 30_000
_SERVICES: Final = {service.full_name: service for file in _FILES for service in file.services_by_name.values()}

Methods = Mapping[str, Callable[[Json], Any]]


def service_handlers(catalog: ModelCatalog) -> list[grpc.GenericRpcHandler]:
    """The handlers of every RPC of the contract, for a server or for the gateway's local backend."""
    conversations, vectors, models = Conversations(catalog), Vectors(catalog), Models(catalog)
    return [
        *_v1beta(ChatService(conversations), EmbeddingService(vectors), ModelService(models)),
        *_v1(typed.ChatService(conversations), typed.EmbeddingService(vectors), typed.ModelService(models)),
    ]


def _v1beta(chat: ChatService, embeddings: EmbeddingService, models: ModelService) -> Iterator[grpc.GenericRpcHandler]:
    yield _handler("v1beta.ChatService", {"ChatCompletions": chat.chat_completions})
    yield _handler("v1beta.EmbeddingService", {"GenerateEmbeddings": embeddings.generate_embeddings})
    yield _handler("v1beta.ModelService", {"ListModels": models.list_models, "GetModel": models.get_model})


def _v1(
    chat: typed.ChatService, embeddings: typed.EmbeddingService, models: typed.ModelService
) -> Iterator[grpc.GenericRpcHandler]:
    completions = {
        "CreateChatCompletion": chat.create_chat_completion,
        "StreamChatCompletion": chat.stream_chat_completion,
    }
    yield _handler("v1.ChatService", completions)
    yield _handler("v1.EmbeddingService", {"CreateEmbeddings": embeddings.create_embeddings})
    yield _handler("v1.ModelService", {"ListModels": models.list_models, "GetModel": models.get_model})


def _handler(name: str, methods: Methods) -> grpc.GenericRpcHandler:
    """The handler of a service, from what answers each of its RPCs."""
    service = _SERVICES[f"modelwire.{name}"]
    streams = {method.name: method.server_streaming for method in service.methods}
    handlers = {rpc: (streaming if streams[rpc] else unary)(method, service, rpc) for rpc, method in methods.items()}
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def call_interceptors(entrance: Entrance) -> list[Any]:
    """What stands around every call, outermost first; one list for all doors."""
    return [CallInterceptor(entrance)]


class GrpcServer:
    """The gRPC door. Binds at once, so that a taken port raises OSError before anything has started.

    With `credentials` it speaks TLS alone. With `reuse_port`, other processes of the same user may serve its port that
    have it, too, and each gets a share of the connections.
    """

    def __init__(
        self,
        handlers: Sequence[grpc.GenericRpcHandler],
        interceptors: Sequence[Any],
        *,
        address: str,
        max_request_bytes: int,
        credentials: grpc.ServerCredentials | None = None,
        reuse_port: bool = False,
    ) -> None:
        options = (
            # Where it is not meant, a second server on the same port would silently take half of the calls.
            ("grpc.so_reuseport", int(reuse_port)),
            ("grpc.max_receive_message_length", max_request_bytes),
            ("grpc.max_send_message_length", -1),
            # As much as the HTTP door takes in a head. Between two different limits, gRPC refuses at random.
            ("grpc.max_metadata_size", _METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
            # A client that is gone without a word is noticed, and one that looks after us so is not sent away.
            ("grpc.keepalive_time_ms", _PING_MS),
            ("grpc.keepalive_timeout_ms", _PING_MS),
            ("grpc.http2.min_ping_interval_without_data_ms", _CLIENTS_PING_MS),
            ("grpc.keepalive_permit_without_calls", 1),
            # Nothing that listens waits two minutes for a handshake, as gRPC would.
            ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        )
        self._server = sturdy_server(interceptors, options)
        add_services(self._server, _SERVICES.values(), handlers)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [service.full_name for service in _SERVICES.values()]
        self._health_names = ["", *names]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)
        self._credentials = credentials
        self.address = self._bind(address)

    async def start(self) -> None:
        """Serves; health says SERVING from here on."""
        await self._server.start()
        for name in self._health_names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def say_not_serving(self) -> None:
        """Health says NOT_SERVING from here on, for good."""
        await self._health.enter_graceful_shutdown()

    async def drain(self, grace_seconds: float) -> None:
        """Says NOT_SERVING, takes no more calls, and ends when those that run have, or after `grace_seconds`."""
        await self.say_not_serving()
        await self._server.stop(grace_seconds)

    def _bind(self, address: str) -> str:
        try:
            if self._credentials is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, self._credentials)
        except RuntimeError:
            # gRPC keeps the cause to itself.
            told = f"cannot listen on {address}; it may be taken, or not an address of this machine"
            raise OSError(told) from None
        return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
