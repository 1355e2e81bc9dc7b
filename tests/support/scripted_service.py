"""A gRPC service that does what a test tells it, reached in this process or over a channel."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.backends.base import Backend, Rpc
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.backends.remote import RemoteBackend

Behaviour = Callable[[Any, Any], Any]

_KINDS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


class ScriptedService(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Serves the methods of `services` for which there is a behaviour, by name, in `behaviours`.

    A behaviour takes and gives bytes: a coroutine function, or an async generator where responses are streamed.
    """

    def __init__(self, services: Sequence[ServiceDescriptor], **behaviours: Behaviour) -> None:
        self.rpcs = {method.name: Rpc.of(method) for service in services for method in service.methods}
        self.behaviours = behaviours

    def service(self, details: Any) -> grpc.RpcMethodHandler | None:
        rpc = next((rpc for rpc in self.rpcs.values() if rpc.path == details.method), None)
        behaviour = rpc and self.behaviours.get(rpc.descriptor.name)
        if rpc is None or behaviour is None:
            return None
        return _KINDS[rpc.client_streaming, rpc.server_streaming](behaviour)


@asynccontextmanager
async def backend_to(
    name: str,
    service: grpc.GenericRpcHandler,
    interceptors: Sequence[Any] = (),
    *,
    max_request_bytes: int = 2**20,
    max_received_bytes: int = -1,
) -> AsyncIterator[Backend]:
    """The backend `name`, local or remote, in front of `service`. `max_received_bytes` is the remote server's limit."""
    if name == "local":
        yield LocalBackend([service], interceptors)
        return
    async with served(service, interceptors, max_received_bytes=max_received_bytes) as address:
        backend = RemoteBackend(address, max_request_bytes=max_request_bytes)
        try:
            yield backend
        finally:
            await backend.close()


@asynccontextmanager
async def served(
    service: grpc.GenericRpcHandler,
    interceptors: Sequence[Any] = (),
    *,
    max_received_bytes: int = -1,
    options: Sequence[tuple[str, int]] = (),
) -> AsyncIterator[str]:
    """Serves `service` on a free port, with further `options` of gRPC's; gives the address."""
    own = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", max_received_bytes)]
    server = grpc.aio.server(interceptors=interceptors, options=[*own, ("grpc.max_send_message_length", -1), *options])
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
