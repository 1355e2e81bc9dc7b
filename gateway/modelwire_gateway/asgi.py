"""The type of ASGI apps, and whole answers in JSON."""

from collections.abc import Awaitable, Callable, Iterable

import orjson

from modelwire_gateway.errors import RpcFailure, error_body
from modelwire_gateway.exchange import Receive, Scope, Send, send_whole

App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def send_json(send: Send, status: int, body: object, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Sends a whole answer. The server leaves the body out where the request was HEAD."""
    await send_bytes(send, status, orjson.dumps(body), headers)


async def send_bytes(send: Send, status: int, content: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Sends a whole answer whose `content` is JSON."""
    described = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)), *headers]
    await send_whole(send, status, described, content)


async def refuse(send: Send, error: RpcFailure, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Sends a whole answer that tells of `error`."""
    its_own = [(name.encode(), value.encode()) for name, value in error.headers]
    await send_json(send, error.http_status, error_body(error), [*its_own, *headers])
