"""The paths that serve whoever runs the gateway: is it alive, can it take calls."""

from collections.abc import Awaitable, Callable
from typing import Final

from modelwire_gateway.errors import RpcFailure, error_body, failure
from modelwire_gateway.exchange import Receive, Scope, Send
from modelwire_gateway.http_server.asgi import App, send_json
from modelwire_gateway.options import OPERATIONAL_PATHS

_FRESH: Final = (b"cache-control", b"no-store")
_METHODS: Final = ("GET", "HEAD")


class Operations:
    """An ASGI app that answers `OPERATIONAL_PATHS` and hands all else to `app` untouched.

    `/healthz` is 200 while the process lives; `/readyz` is 200 while `ready` says so, else 503.
    """

    def __init__(self, app: App, ready: Callable[[], Awaitable[bool]]) -> None:
        self._app = app
        self._ready = ready

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not `async`: every request passes here, and the wrapped app's awaitable needs no frame around it.
        if scope.get("path") in OPERATIONAL_PATHS:
            return self._answer(scope, send)
        return self._app(scope, receive, send)

    async def _answer(self, scope: Scope, send: Send) -> None:
        error = await self._complaint(scope)
        if error is None:
            await send_json(send, 200, {"status": "ok"}, [_FRESH])
        else:
            headers = [(name.encode(), value.encode()) for name, value in error.headers]
            await send_json(send, error.http_status, error_body(error), [_FRESH, *headers])

    async def _complaint(self, scope: Scope) -> RpcFailure | None:
        if scope["method"] not in _METHODS:
            allow = ("allow", ", ".join(_METHODS))
            return failure("UNIMPLEMENTED", f"{scope['path']} is read by GET", http_status=405, headers=[allow])
        if scope["path"] == "/readyz" and not await self._ready():
            return failure("UNAVAILABLE", "not ready to take calls")
        return None
