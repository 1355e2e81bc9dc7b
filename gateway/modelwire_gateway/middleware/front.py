"""The front door's layers around an app."""

from collections.abc import Awaitable, Callable

from modelwire_gateway.asgi import App
from modelwire_gateway.middleware.compression import Compression
from modelwire_gateway.middleware.cors import CorsPolicy, with_cors
from modelwire_gateway.middleware.hosts import AllowedHosts, HostPolicy
from modelwire_gateway.middleware.operations import Operations


def front(
    app: App,
    *,
    ready: Callable[[], Awaitable[bool]],
    openapi: Callable[[], bytes],
    cors: CorsPolicy | None = None,
    hosts: HostPolicy | None = None,
    compress: bool = True,
) -> App:
    """`app` behind the operational paths, behind CORS and a check of hosts if there is a policy, behind compression
    unless told otherwise.

    `ready` and `openapi` are what `Operations` asks.
    """
    fronted: App = Operations(app, ready, openapi)
    if hosts is not None:
        fronted = AllowedHosts(fronted, hosts)
    if cors is not None:
        fronted = with_cors(fronted, cors)
    return Compression(fronted) if compress else fronted
