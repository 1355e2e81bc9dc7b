"""A grpc.aio server that no client can end, and that takes each call by the shortest way.

Theory of operation. grpc.aio reads the path of each call that it has no registered method for as UTF-8, in the one loop
that takes all calls. A path that is no UTF-8 ends that loop, and the server with it: one request of anybody's, and the
port is closed. So here every method served is registered, which the core matches byte by byte, and calls of others are
taken by a loop of our own, which answers UNIMPLEMENTED without reading their path.

Each registered method has such a loop, too: the one of grpc.aio looks at all methods again at each call. Plain handlers
are run by grpc_call.py, all others (health, reflection) as grpc.aio would.

This leans on names of grpc's that are private. Where a release lacks them the server is grpc's own, as it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc._cython import cygrpc
from grpc.aio import _server

from modelwire_service import grpc_call

_NEEDED: Final = ("_MethodResolver", "_RequestCallError", "_handle_rpc", "_schedule_rpc_coro", *grpc_call.NEEDED)
_PATH: Final = "of an unknown method"
"""What grpc calls the call in its log."""

Call = Any
"""An RPCState of cygrpc's: a call that has come."""


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
    """What handlers and interceptors are asked by (grpc.HandlerCallDetails)."""

    method: str
    invocation_metadata: tuple[()] = ()


def _handler(path: str, handlers: Iterable[grpc.GenericRpcHandler]) -> grpc.RpcMethodHandler | None:
    details = _Details(path)
    return next((found for handler in handlers if (found := handler.service(details)) is not None), None)


class _SturdyAioServer(cygrpc.AioServer):  # type: ignore[misc]
    def __init__(
        self, loop: asyncio.AbstractEventLoop, pool: None, handlers: tuple[()], around: Any, *more: Any
    ) -> None:
        super().__init__(loop, pool, handlers, around, *more)
        self._around = around
        self._methods: dict[str, grpc.RpcMethodHandler] = {}
        self._running: set[asyncio.Task[None]] = set()

    def add_registered_method_handlers(self, handlers: dict[str, grpc.RpcMethodHandler]) -> None:
        super().add_registered_method_handlers(handlers)
        self._methods |= handlers

    def _make_request_call_future(self, method: bytes | None) -> "asyncio.Future[None]":
        """What is done once a call of `method`, None for all others, has come. None ever is: each is served here.

        It is cancelled when the server is shut down, or fails then with its request for another call.
        """
        taking = self._refuse_unknown_methods() if method is None else self._serve(method)
        return asyncio.get_running_loop().create_task(taking)

    async def _serve(self, method: bytes) -> None:
        path = method.decode()
        handler = await self._handler(path)
        if grpc_call.is_plain(handler):
            run: Callable[[Call], Coroutine[Any, Any, None]] = partial(grpc_call.run, handler)
        else:
            run = self._by_grpc(path, cygrpc._MethodResolver([], self._methods), self._around)
        while True:
            self._start(run(await self._request_registered_call(method)))

    async def _refuse_unknown_methods(self) -> None:
        run = self._by_grpc(_PATH, cygrpc._MethodResolver([], {}), ())
        while True:
            self._start(run(await self._request_call()))

    def _by_grpc(self, path: str, methods: Any, around: Any) -> Callable[[Call], Coroutine[Any, Any, None]]:
        """What answers a call as grpc.aio does."""
        loop = asyncio.get_running_loop()

        def run(call: Call) -> Coroutine[Any, Any, None]:
            answering = cygrpc._handle_rpc(path, methods, around, call, loop, False)
            scheduled: Coroutine[Any, Any, None] = cygrpc._schedule_rpc_coro(answering, call, loop, path)
            return scheduled

        return run

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _handler(self, path: str) -> Any:
        """The handler of a method, with what stands around it, outermost first."""

        async def found(details: _Details) -> Any:
            return self._methods[details.method]

        find: Callable[[_Details], Awaitable[Any]] = found
        for interceptor in reversed(self._around):
            find = partial(interceptor.intercept_service, find)
        return await find(_Details(path))
