"""The document that a gateway serves. Its routes may change while it runs."""

from collections.abc import Callable, Sequence

import orjson

from modelwire_gateway.openapi.comments import Comments
from modelwire_gateway.openapi.document import openapi_document, title_of
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.routing.route_rules import Route


class ServedDocument:
    """Gives the JSON text of the document of the routes that `routes` gives, made once for each sequence of them.

    Without a `title`, it is the names of the packages. `images` are the descriptor sets that have the comments.
    """

    def __init__(
        self,
        routes: Callable[[], Sequence[Route]],
        *,
        title: str | None = None,
        version: str,
        options: GatewayOptions,
        images: Sequence[bytes] = (),
    ) -> None:
        self._routes = routes
        self._title = title
        self._version = version
        self._options = options
        self._images = images
        self._made: tuple[Sequence[Route], bytes] | None = None

    def __call__(self) -> bytes:
        """The JSON text. May be called from several threads, of which each may make it."""
        routes, made = self._routes(), self._made
        if made is None or made[0] is not routes:
            document = openapi_document(
                routes,
                title=self._title or title_of(routes),
                version=self._version,
                options=self._options,
                comments=Comments.of_images(self._images),
            )
            made = self._made = routes, orjson.dumps(document)
        return made[1]
