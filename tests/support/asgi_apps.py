"""ASGI apps that tell what they saw, and how a test serves them."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol

from modelwire_gateway.asgi import App, send_json
from modelwire_gateway.exchange import Receive, Scope, Send
from modelwire_gateway.http_server import HttpServer


class Serve(Protocol):
    """Starts a server that is stopped after the test."""

    def __call__(
        self,
        app: App,
        address: str = ...,
        *,
        arrival_seconds: float = ...,
        stall_seconds: float = ...,
        max_connections: int | None = ...,
        tls: Callable[[], ssl.SSLContext] | None = ...,
    ) -> Awaitable[HttpServer]: ...


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the whole body and answers with what arrived."""
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"]
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    seen = {"method": scope["method"], "path": scope["path"], "headers": headers, "body": body.decode()}
    await send_json(send, 200, seen)


class Patient:
    """An app that waits for its client to leave, or to be told to go on: then it answers, or ends its stream."""

    def __init__(self, *, streams: bool = False) -> None:
        self.entered = asyncio.Event()
        self.left = asyncio.Event()
        self.go_on = asyncio.Event()
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._streams:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
        self.entered.set()
        await self._wait(receive)
        if self._streams:
            await send({"type": "http.response.body", "body": b"last", "more_body": False})
        elif not self.left.is_set():
            await send_json(send, 200, {"path": scope["path"]})

    async def _wait(self, receive: Receive) -> None:
        waits = [asyncio.create_task(self._watch(receive)), asyncio.create_task(self.go_on.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _watch(self, receive: Receive) -> bool:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left.set()
        return True
