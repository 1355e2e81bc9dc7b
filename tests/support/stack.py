"""The whole of modelwire in the test's own loop, on real ports, in front of any upstreams."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.base import Backend
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.http_server import HttpServer
from modelwire_gateway.sources.descriptors import built_in_services
from modelwire_service.command_line.gateway_options import contract_options
from modelwire_service.entrance import Entrance
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.server import GrpcServer, call_interceptors, service_handlers
from modelwire_service.settings import Settings
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.registry import build_catalog
from support.entrances import open_entrance

MAX_REQUEST_BYTES = 2**20


@dataclass(frozen=True)
class Stack:
    """The doors of one modelwire: gRPC, REST over the local backend, REST over the remote one."""

    grpc_address: str
    local_url: str
    remote_url: str
    catalog: ModelCatalog

    def url(self, backend: str) -> str:
        return {"local": self.local_url, "remote": self.remote_url}[backend]


def openai_settings(url: str, name: str = "scripted", **more: object) -> UpstreamSettings:
    return UpstreamSettings.model_validate({"name": name, "kind": "openai", "base_url": url, **more})


@asynccontextmanager
async def running_stack(
    *upstreams: UpstreamSettings,
    max_request_bytes: int = MAX_REQUEST_BYTES,
    source: Callable[[], float] = random.random,
    entrance: Entrance | None = None,
    pass_through: bool = False,
) -> AsyncIterator[Stack]:
    """Serves `upstreams` over both doors and both backends until the block ends."""
    catalog = build_catalog(upstreams, {}, source, pass_through=pass_through)
    try:
        async with serving(catalog, entrance or open_entrance(), max_request_bytes) as stack:
            yield stack
    finally:
        for upstream in catalog.upstreams:
            await upstream.close()


@asynccontextmanager
async def serving(
    catalog: ModelCatalog, entrance: Entrance, max_request_bytes: int = MAX_REQUEST_BYTES
) -> AsyncIterator[Stack]:
    """Serves a catalog, whose upstreams stay open, over both doors and both backends until the block ends."""
    handlers = service_handlers(catalog)
    interceptors = call_interceptors(entrance)
    grpc_server = GrpcServer(handlers, interceptors, address="127.0.0.1:0", max_request_bytes=max_request_bytes)
    await grpc_server.start()
    local = LocalBackend(handlers, interceptors, tailored=True)
    remote = RemoteBackend(grpc_server.address, max_request_bytes=max_request_bytes)
    servers = [_http_server(backend, max_request_bytes) for backend in (local, remote)]
    for server in servers:
        await server.start()
    try:
        local_url, remote_url = (f"http://{server.address}" for server in servers)
        yield Stack(grpc_server.address, local_url, remote_url, catalog)
    finally:
        for server in servers:
            await server.drain(0)
        await remote.close()
        await grpc_server.drain(0)


def _http_server(backend: Backend, max_request_bytes: int) -> HttpServer:
    app = Transcoder(built_in_services(), backend, contract_options(Settings(max_request_bytes=max_request_bytes)))
    return HttpServer(app, "127.0.0.1:0")
