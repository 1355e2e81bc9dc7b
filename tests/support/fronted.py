"""What tests of the whole gateway share: a service with every form of answer, behaviours for it, and the front door."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import httpx
from google.api import httpbody_pb2
from modelwire_gateway.app import Transcoder
from modelwire_gateway.asgi import App
from modelwire_gateway.http_server import HttpServer
from support.asgi_calls import AsgiCall
from support.scripted_service import Behaviour

Fronted = Callable[..., AbstractAsyncContextManager[Transcoder]]

PROTO = """
syntax = "proto3"; package t;
import "google/api/annotations.proto"; import "google/api/httpbody.proto";
message M {
  string name = 1; repeated int32 nums = 2; map<string, int32> sizes = 3; M child = 4; int64 big = 5;
  google.api.HttpBody raw = 6; repeated google.api.HttpBody raws = 7; optional bool maybe = 8;
}
service S {
  rpc Unary(M) returns (M) { option (google.api.http) = {
    get: "/unary"
    additional_bindings { post: "/unary/{name}" body: "*" }
    additional_bindings { custom { kind: "HEAD" path: "/head" } }
    additional_bindings { custom { kind: "OPTIONS" path: "/options" } }
    additional_bindings { get: "/field/name" response_body: "name" }
    additional_bindings { get: "/field/nums" response_body: "nums" }
    additional_bindings { get: "/field/sizes" response_body: "sizes" }
    additional_bindings { get: "/field/child" response_body: "child" }
    additional_bindings { get: "/field/big" response_body: "big" }
    additional_bindings { get: "/field/maybe" response_body: "maybe" }
    additional_bindings { get: "/field/raw" response_body: "raw" }
    additional_bindings { get: "/field/raws" response_body: "raws" }
  }; }
  rpc Stream(M) returns (stream M) { option (google.api.http) = {
    get: "/stream"
    additional_bindings { get: "/streamed/name" response_body: "name" }
    additional_bindings { get: "/streamed/raw" response_body: "raw" }
  }; }
  rpc Raw(M) returns (google.api.HttpBody) { option (google.api.http) = { get: "/raw" }; }
  rpc Raws(M) returns (stream google.api.HttpBody) { option (google.api.http) = { get: "/raws" }; }
  rpc Upload(stream M) returns (M) { option (google.api.http) = { post: "/upload" body: "*" }; }
}
"""
ONE, TWO = b"\x0a\x011", b"\x0a\x012"
"""Messages M whose names are these digits."""


@asynccontextmanager
async def over_http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    server = HttpServer(app, "127.0.0.1:0")
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://{server.address}", timeout=10) as client:
            yield client
    finally:
        await server.drain(0)


def answers(*responses: bytes, ends: grpc.StatusCode | None = None, **metadata: Any) -> Behaviour:
    """A streaming behaviour; `first` and `last` are the metadata it sends."""

    async def stream(_: bytes, context: Any) -> AsyncIterator[bytes]:
        if "first" in metadata:
            await context.send_initial_metadata(metadata["first"])
        for response in responses:
            yield response
        await end(context, ends, metadata.get("last", ()))

    return stream


def answer(response: bytes, *, ends: grpc.StatusCode | None = None, **metadata: Any) -> Behaviour:
    """A unary behaviour."""

    async def unary(_: bytes, context: Any) -> bytes:
        if "first" in metadata:
            await context.send_initial_metadata(metadata["first"])
        await end(context, ends, metadata.get("last", ()))
        return response

    return unary


async def end(context: Any, code: grpc.StatusCode | None, metadata: Any) -> None:
    context.set_trailing_metadata(metadata)
    if code is not None:
        await context.abort(code, "because", metadata)


async def get(app: Transcoder, path: str, *headers: tuple[str, str], **options: Any) -> AsgiCall:
    return await AsgiCall("GET", path, headers=headers, **options).run(app)


def body(data: bytes, content_type: str = "") -> bytes:
    return bytes(httpbody_pb2.HttpBody(content_type=content_type, data=data).SerializeToString())


def field(number: int, wire: bytes) -> bytes:
    return bytes([number << 3 | 2, len(wire)]) + wire
