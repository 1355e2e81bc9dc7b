"""The front door's layers around an app."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from modelwire_gateway.asgi import App
from modelwire_gateway.middleware.closing import Closing
from modelwire_gateway.middleware.compression import Compression
from modelwire_gateway.middleware.cors import CorsPolicy, with_cors
from modelwire_gateway.middleware.hosts import AllowedHosts, HostPolicy
from modelwire_gateway.middleware.operations import Operations


@dataclass(frozen=True, slots=True)
class Front:
    """An app with the front door's layers around it."""

    app: App
    close: Callable[[], None]
    """Has `app` answer 503 to all requests that come after, but those for `/healthz`."""


def front(
    app: App,
    *,
    ready: Callable[[], Awaitable[bool]],
    openapi: Callable[[], bytes],
    cors: CorsPolicy | None = None,
    hosts: HostPolicy | None = None,
    compress: bool = True,
) -> Front:
    """`app` behind the operational paths, behind CORS and a check of hosts if there is a policy, behind compression
    unless told otherwise.

    `ready` and `openapi` are what `Operations` asks.
    """
    fronted: App = Operations(app, ready, openapi)
    if hosts is not None:
        fronted = AllowedHosts(fronted, hosts)
    fronted = closing = Closing(fronted)
    if cors is not None:  # around all that refuse: pages cannot read an answer that lacks its headers
        fronted = with_cors(fronted, cors)
    return Front(Compression(fronted) if compress else fronted, closing.close)
