"""Assembles the services, the call interceptor, health and reflection into one grpc.aio server."""

from collections.abc import Sequence
from typing import Any, Final

import grpc
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from modelwire.v1beta import chat_pb2, embeddings_pb2, models_pb2

from modelwire_service.chat import ChatService
from modelwire_service.embeddings import EmbeddingService
from modelwire_service.entrance import Entrance
from modelwire_service.interceptors import CallInterceptor
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.models import ModelService
from modelwire_service.rpc import streaming, unary
from modelwire_service.sturdy_server import add_services, sturdy_server

_FILES: Final[tuple[FileDescriptor, ...]] = (chat_pb2.DESCRIPTOR, embeddings_pb2.DESCRIPTOR, models_pb2.DESCRIPTOR)
_METADATA_BYTES: Final = 64 * 1024
_PING_MS: Final = 20_000
_CLIENTS_PING_MS: Final = 10_000
_HANDSHAKE_MS: Final = 30_000
_SERVICES: Final = {service.name: service for file in _FILES for service in file.services_by_name.values()}


def service_handlers(catalog: ModelCatalog) -> list[grpc.GenericRpcHandler]:
    """The handlers of every RPC of the contract, for a server or for the gateway's local backend."""
    chat, embeddings, models = ChatService(catalog), EmbeddingService(catalog), ModelService(catalog)
    chat_service, embedding_service, model_service = (
        _SERVICES[name] for name in ("ChatService", "EmbeddingService", "ModelService")
    )
    methods = {
        chat_service: {
            "ChatCompletions": streaming(chat.chat_completions, chat_service, "ChatCompletions"),
        },
        embedding_service: {
            "GenerateEmbeddings": unary(embeddings.generate_embeddings, embedding_service, "GenerateEmbeddings"),
        },
        model_service: {
            "ListModels": unary(models.list_models, model_service, "ListModels"),
            "GetModel": unary(models.get_model, model_service, "GetModel"),
        },
    }
    return [grpc.method_handlers_generic_handler(service.full_name, of) for service, of in methods.items()]


def call_interceptors(entrance: Entrance) -> list[Any]:
    """What stands around every call, outermost first; one list for all doors."""
    return [CallInterceptor(entrance)]


class GrpcServer:
    """The gRPC door. Binds at once, so that a taken port raises OSError before anything has started.

    With `credentials` it speaks TLS alone.
    """

    def __init__(
        self,
        handlers: Sequence[grpc.GenericRpcHandler],
        interceptors: Sequence[Any],
        *,
        address: str,
        max_request_bytes: int,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        options = (
            # Without this a second server on the same port would silently take half of the calls.
            ("grpc.so_reuseport", 0),
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
