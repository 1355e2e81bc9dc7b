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
from modelwire_service.interceptors import CallInterceptor
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.models import ModelService
from modelwire_service.rpc import streaming, unary

_FILES: Final[tuple[FileDescriptor, ...]] = (chat_pb2.DESCRIPTOR, embeddings_pb2.DESCRIPTOR, models_pb2.DESCRIPTOR)
_METADATA_BYTES: Final = 64 * 1024
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


def call_interceptors() -> list[Any]:
    """What stands around every call, outermost first."""
    return [CallInterceptor()]


class GrpcServer:
    """The gRPC door. Binds at once, so that a taken port raises OSError before anything has started."""

    def __init__(self, handlers: Sequence[grpc.GenericRpcHandler], *, address: str, max_request_bytes: int) -> None:
        options = (
            # Without this a second server on the same port would silently take half of the calls.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", max_request_bytes),
            ("grpc.max_send_message_length", -1),
            # As much as the HTTP door takes in a head. Between two different limits, gRPC refuses at random.
            ("grpc.max_metadata_size", _METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
        )
        self._server = grpc.aio.server(interceptors=call_interceptors(), options=options)
        self._server.add_generic_rpc_handlers(tuple(handlers))
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [service.full_name for service in _SERVICES.values()]
        self._health_names = ["", *names]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)
        self.address = self._bind(address)

    async def start(self) -> None:
        """Serves; health says SERVING from here on."""
        await self._server.start()
        for name in self._health_names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def drain(self, grace_seconds: float) -> None:
        """Says NOT_SERVING, takes no more calls, and ends when those that run have, or after `grace_seconds`."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)

    def _bind(self, address: str) -> str:
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError:
            # gRPC keeps the cause to itself.
            told = f"cannot listen on {address}; it may be taken, or not an address of this machine"
            raise OSError(told) from None
        return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
