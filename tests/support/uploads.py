"""A service that takes streams, the gateway in front of it on a real port, and uploads to it in pieces."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.http_server import HttpServer
from modelwire_gateway.options import GatewayOptions
from support.raw_http import RawClient, connected
from support.scripted_service import Behaviour, ScriptedService, backend_to

PROTO = """
syntax = "proto3"; package t;
import "google/api/annotations.proto"; import "google/api/httpbody.proto";
message M { string name = 1; repeated int32 nums = 2; M child = 3; google.api.HttpBody raw = 4; }
service S {
  rpc Upload(stream M) returns (M) { option (google.api.http) = {
    post: "/upload" body: "*"
    additional_bindings { post: "/upload/{name}" body: "*" }
    additional_bindings { post: "/child" body: "child" }
    additional_bindings { post: "/nums" body: "nums" }
    additional_bindings { post: "/raw/{name}" body: "raw" }
    additional_bindings { post: "/raw" body: "raw" }
    additional_bindings { get: "/bare/{name}" }
    additional_bindings { post: "/bare" }
  }; }
  rpc Chat(stream M) returns (stream M) { option (google.api.http) = { post: "/chat" body: "*" }; }
  rpc Files(stream google.api.HttpBody) returns (M) { option (google.api.http) = { post: "/files" body: "*" }; }
}
"""
NDJSON = "application/x-ndjson"


class Collecting:
    """A handler that takes all requests and answers with an empty message."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    async def upload(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        async for request in requests:
            self.requests.append(request)
        return b""


class Stuck:
    """A handler that waits for ever, and tells when it begins to and that it has been ended.

    It waits when it has taken `count` requests; without a count, for requests as long as there may be some.
    """

    def __init__(self, count: int | None = None) -> None:
        self.waits = asyncio.Event()
        self.ended = asyncio.Event()
        self._count = count

    async def upload(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        try:
            if self._count is None:
                await self._take_all(requests)
            for _index in range(self._count or 0):
                await anext(requests)
            self.waits.set()
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        raise AssertionError

    async def chat(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        yield await self.upload(requests, context)

    async def _take_all(self, requests: AsyncIterator[bytes]) -> None:
        async for _ in requests:
            self.waits.set()


async def echo(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


@dataclass(frozen=True)
class Front:
    """Where the gateway listens."""

    address: str

    @asynccontextmanager
    async def client(self) -> AsyncIterator[RawClient]:
        async with connected(self.address) as client:
            yield client

    @asynccontextmanager
    async def upload(
        self, path: str, content_type: str = "application/json", *headers: str
    ) -> AsyncIterator[RawClient]:
        """A connection on which the head of a chunked POST has been sent."""
        async with self.client() as client:
            await client.send(head(path, content_type, *headers))
            yield client


Taking = Callable[..., AbstractAsyncContextManager[Front]]
"""`taking_streams` over a backend, of the service here."""


def head(path: str, content_type: str = "application/json", *headers: str) -> bytes:
    typed = [f"Content-Type: {content_type}"] if content_type else []
    lines = [f"POST {path} HTTP/1.1", "Host: test", "Transfer-Encoding: chunked", *typed, *headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def chunks(*pieces: bytes) -> bytes:
    """Pieces of a chunked body; the empty one ends it."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


@asynccontextmanager
async def taking_streams(
    backend: str, services: tuple[ServiceDescriptor, ...], limit: int = 2**20, **behaviours: Behaviour
) -> AsyncIterator[Front]:
    """The gateway in front of `behaviours`, for messages of `limit` bytes at most."""
    async with backend_to(backend, ScriptedService(services, **behaviours), max_request_bytes=limit) as to_service:
        server = HttpServer(Transcoder(services, to_service, GatewayOptions(max_request_bytes=limit)), "127.0.0.1:0")
        await server.start()
        try:
            yield Front(server.address)
        finally:
            await server.drain(0)
