"""The paths that serve whoever runs the gateway: is it alive, can it take calls, what does it serve."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Final

from modelwire_gateway.asgi import App, refuse, send_bytes, send_json
from modelwire_gateway.errors import RpcFailure, failure
from modelwire_gateway.exchange import Receive, Scope, Send
from modelwire_gateway.options import OPERATIONAL_PATHS

_FRESH: Final = (b"cache-control", b"no-store")
_REVALIDATED: Final = (b"cache-control", b"no-cache")
_METHODS: Final = ("GET", "HEAD")


class Operations:
    """An ASGI app that answers `OPERATIONAL_PATHS` and hands all else to `app` untouched.

    `/healthz` is 200 while the process lives; `/readyz` is 200 while `ready` says so, else 503; `/openapi.json` is
    the document that `openapi` gives, which is asked in a thread, since making it may take long.
    """

    def __init__(self, app: App, ready: Callable[[], Awaitable[bool]], openapi: Callable[[], bytes]) -> None:
        self._app = app
        self._ready = ready
        self._openapi = openapi

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not `async`: every request passes here, and the wrapped app's awaitable needs no frame around it.
        if scope.get("path") in OPERATIONAL_PATHS:
            return self._answer(scope, send)
        return self._app(scope, receive, send)

    async def _answer(self, scope: Scope, send: Send) -> None:
        error = await self._complaint(scope)
        if error is not None:
            await refuse(send, error, [_FRESH])
        elif scope["path"] == "/openapi.json":
            await self._document(scope, send)
        else:
            await send_json(send, 200, {"status": "ok"}, [_FRESH])

    async def _document(self, scope: Scope, send: Send) -> None:
        """Sends the document, or 304 to who has this one (RFC 9110, section 13.1.2)."""
        document = await asyncio.to_thread(self._openapi)
        tag = b'"%s"' % blake2b(document, digest_size=12).hexdigest().encode()
        headers = [(b"etag", tag), _REVALIDATED]
        if any(name == b"if-none-match" and tag in value for name, value in scope["headers"]):
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await send_bytes(send, 200, document, headers)

    async def _complaint(self, scope: Scope) -> RpcFailure | None:
        if scope["method"] not in _METHODS:
            allow = ("allow", ", ".join(_METHODS))
            return failure("UNIMPLEMENTED", f"{scope['path']} is read by GET", http_status=405, headers=[allow])
        if scope["path"] == "/readyz" and not await self._ready():
            return failure("UNAVAILABLE", "not ready to take calls")
        return None
