"""A grpc.aio server that no client can end.

Theory of operation. grpc.aio reads the path of each call that it has no registered method for as UTF-8, in the one loop
that takes all calls. A path that is no UTF-8 ends that loop, and the server with it: one request of anybody's, and the
port is closed. So here every method served is registered, which the core matches byte by byte, and calls of others are
taken by a loop of our own, which answers UNIMPLEMENTED without reading their path.

This leans on names of grpc's that are private. Where a release lacks them the server is grpc's own, as it is.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc._cython import cygrpc
from grpc.aio import _server

_NEEDED: Final = ("_MethodResolver", "_handle_rpc", "_schedule_rpc_coro")
_PATH: Final = "of an unknown method"
"""What grpc calls the call in its log."""


def sturdy_server(interceptors: Sequence[Any], options: Sequence[tuple[str, Any]]) -> grpc.aio.Server:
    """A server that serves registered methods alone, see `add_services`."""
    server = grpc.aio.server(interceptors=interceptors, options=options)
    if all(hasattr(cygrpc, name) for name in _NEEDED):
        arguments = _server._augment_channel_arguments(tuple(options), None)
        server._server = _SturdyAioServer(cygrpc.get_working_loop(), None, (), tuple(interceptors), arguments, None)
    return server


def add_services(
    server: grpc.aio.Server, services: Iterable[ServiceDescriptor], handlers: Sequence[grpc.GenericRpcHandler]
) -> None:
    """Serves the methods of `services` that one of the handlers has."""
    server.add_generic_rpc_handlers(tuple(handlers))
    for service in services:
        paths = {method.name: f"/{service.full_name}/{method.name}" for method in service.methods}
        found = {name: _handler(path, handlers) for name, path in paths.items()}
        methods = {name: handler for name, handler in found.items() if handler is not None}
        server.add_registered_method_handlers(service.full_name, methods)


class _Details(NamedTuple):
    """What a generic handler is asked by (grpc.HandlerCallDetails)."""

    method: str
    invocation_metadata: tuple[()] = ()


def _handler(path: str, handlers: Iterable[grpc.GenericRpcHandler]) -> grpc.RpcMethodHandler | None:
    details = _Details(path)
    return next((found for handler in handlers if (found := handler.service(details)) is not None), None)


class _SturdyAioServer(cygrpc.AioServer):  # type: ignore[misc]
    def _make_request_call_future(self, method: bytes | None) -> "asyncio.Future[Any]":
        """What is done once a call of `method` has come; for None, of any that is not registered, never is."""
        if method is not None:
            future: asyncio.Future[Any] = super()._make_request_call_future(method)
            return future
        return asyncio.get_running_loop().create_task(self._refuse_unknown_methods())

    async def _refuse_unknown_methods(self) -> None:
        """Runs until the server is shut down, which cancels it or fails its request for another call."""
        loop, nothing = asyncio.get_running_loop(), cygrpc._MethodResolver([], {})
        running: set[asyncio.Task[None]] = set()
        while True:
            call = await self._request_call()
            refusal = cygrpc._handle_rpc(_PATH, nothing, (), call, loop, False)
            task = loop.create_task(cygrpc._schedule_rpc_coro(refusal, call, loop, _PATH))
            running.add(task)
            task.add_done_callback(running.discard)
