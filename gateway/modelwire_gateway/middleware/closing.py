"""A server that is about to close says so while it still listens."""

from collections.abc import Awaitable
from typing import Final

from modelwire_gateway.asgi import App, refuse
from modelwire_gateway.errors import failure
from modelwire_gateway.exchange import Receive, Scope, Send

_RETRY: Final = (("retry-after", "1"), ("connection", "close"))


class Closing:
    """An ASGI app that hands requests to `app` until `close` is called, and answers 503 to all that come after.

    Those that run go on. Alive the process is still, so `/healthz` is answered as ever.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if self.closed and scope["type"] == "http" and scope["path"] != "/healthz":
            return refuse(send, failure("UNAVAILABLE", "the server is shutting down; try another", headers=_RETRY))
        return self._app(scope, receive, send)
