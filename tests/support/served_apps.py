"""Fixtures for apps behind the front door: every asynchronous test runs on asyncio's event loop and on uvloop's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import uvloop
from modelwire_gateway.asgi import App
from modelwire_gateway.http_server import HttpServer
from support.asgi_apps import Serve


@pytest.hookimpl
def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers, and stops them after the test."""
    servers: list[HttpServer] = []

    async def start(app: App, address: str = "127.0.0.1:0", **limits: Any) -> HttpServer:
        server = HttpServer(app, address, **limits)
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.drain(0)
