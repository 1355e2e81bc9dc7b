"""The HTTP door, as `modelwire serve` and `modelwire gateway` both have it."""

from collections.abc import Awaitable, Callable, Sequence

from modelwire_gateway.app import Transcoder
from modelwire_gateway.http_server import HttpServer
from modelwire_gateway.middleware import front
from modelwire_gateway.openapi import ServedDocument
from modelwire_gateway.options import GatewayOptions

from modelwire_service import __version__
from modelwire_service.command_line.gateway_options import cors_policy
from modelwire_service.settings import Settings


def http_door(
    transcoder: Transcoder,
    ready: Callable[[], Awaitable[bool]],
    settings: Settings,
    options: GatewayOptions,
    *,
    images: Sequence[bytes],
    title: str | None = None,
) -> HttpServer:
    """A server, not started, of what `transcoder` serves with `options`.

    `ready` tells whether calls can be served. `images` are the descriptor sets with the comments that become
    descriptions in the OpenAPI document; its title is made of the services' packages if none is given.
    """
    document = ServedDocument(
        lambda: transcoder.routes, title=title, version=__version__, options=options, images=images
    )
    cors = cors_policy(settings)
    app = front(transcoder, ready=ready, openapi=document, cors=cors, compress=settings.compression)
    return HttpServer(app, settings.http_address)
