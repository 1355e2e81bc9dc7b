"""The type of ASGI apps, and a whole answer in JSON."""

from collections.abc import Awaitable, Callable, Iterable

import orjson

from modelwire_gateway.exchange import Receive, Scope, Send

App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def send_json(send: Send, status: int, body: object, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Sends a whole answer. The server leaves the body out where the request was HEAD."""
    await send_bytes(send, status, orjson.dumps(body), headers)


async def send_bytes(send: Send, status: int, content: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Sends a whole answer whose `content` is JSON."""
    described = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": described})
    await send({"type": "http.response.body", "body": content, "more_body": False})
