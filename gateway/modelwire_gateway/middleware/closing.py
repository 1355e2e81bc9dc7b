"""A server that is about to close says so while it still listens."""

from collections.abc import Awaitable

from modelwire_gateway.asgi import App, refuse
from modelwire_gateway.exchange import Receive, Scope, Send
from modelwire_gateway.metadata import REQUEST_ID, decoded_headers, request_id
from modelwire_gateway.requests.refusals import shutting_down


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
            its_id = request_id(decoded_headers(scope["headers"]))
            return refuse(send, shutting_down(), [(REQUEST_ID.encode(), its_id.encode())])
        return self._app(scope, receive, send)
