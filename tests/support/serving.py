"""A backend in front of behaviours, one call at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.backends.base import Backend, Call, Rpc, wire_of
from modelwire_gateway.errors import RpcFailure, status_row
from support.scripted_service import Behaviour, ScriptedService, backend_to

PROTO = """
syntax = "proto3"; package t;
message M { bytes data = 1; }
service S {
  rpc Unary(M) returns (M);
  rpc Stream(M) returns (stream M);
  rpc Collect(stream M) returns (M);
  rpc Chat(stream M) returns (stream M);
}
"""
CHANNEL_LIMIT = 2**20
SERVER_LIMIT = 2**19
"""In bytes: what the channel sends and what the remote server takes."""


class Harness:
    """A service in front of which stands the backend under test."""

    def __init__(self, name: str, services: tuple[ServiceDescriptor, ...]) -> None:
        self.name = name
        self._services = services
        self.rpcs = ScriptedService(services).rpcs

    @asynccontextmanager
    async def serving(self, *interceptors: Any, **behaviours: Behaviour) -> AsyncIterator["Serving"]:
        service = ScriptedService(self._services, **behaviours)
        limits = {"max_request_bytes": CHANNEL_LIMIT, "max_received_bytes": SERVER_LIMIT}
        async with backend_to(self.name, service, interceptors, **limits) as backend:
            yield Serving(backend, self.rpcs)


class Serving:
    def __init__(self, backend: Backend, rpcs: dict[str, Rpc]) -> None:
        self.backend = backend
        self._rpcs = rpcs

    def call(self, method: str, request: Any = b"", *, timeout: float | None = None, **metadata: str | bytes) -> Call:
        pairs = [(key.replace("_", "-"), value) for key, value in metadata.items()]
        return self.backend.call(self._rpcs[method], request, metadata=pairs, timeout=timeout)

    async def failure(self, method: str, request: Any = b"", **options: Any) -> RpcFailure:
        """How a call fails that gives nothing before."""
        call = self.call(method, request, **options)
        try:
            with pytest.raises(RpcFailure) as raised:
                await anext(call)
        finally:
            await call.aclose()
        return raised.value


async def received(call: Call) -> list[bytes]:
    """All messages of a call that succeeds."""
    try:
        return [wire_of(message) async for message in call]
    finally:
        await call.aclose()


async def echo(request: bytes, _: Any) -> bytes:
    return request


def name_of(error: RpcFailure) -> str:
    return status_row(error.status.code).name


class Waiting:
    """Handlers that wait for ever, and tell how that ended."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def unary(self, _: bytes, __: Any) -> bytes:
        await self._wait()
        raise AssertionError

    async def stream(self, _: bytes, __: Any) -> AsyncIterator[bytes]:
        yield b"x"
        await self._wait()

    async def _wait(self) -> None:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
