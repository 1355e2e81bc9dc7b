"""The OpenAPI document of the built-in contract, or of any annotated services, as text."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import orjson
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.openapi import Comments, openapi_document, title_of
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.routing.routes import RouteErrors, RouteTable
from modelwire_gateway.sources.descriptors import DescriptorError, built_in_image, built_in_services, services_in_image
from modelwire_gateway.sources.reflection import ReflectionError, reflected_image

from modelwire_service import __version__
from modelwire_service.command_line.descriptor_sets import read_descriptor_sets
from modelwire_service.settings import ConfigurationError

BUILT_IN_TITLE: Final = "modelwire"


def openapi_text(paths: Sequence[Path]) -> str:
    """The document of the services in the descriptor sets, indented; of the built-in contract if there are none.

    Raises ConfigurationError for a file that cannot be read and for services that cannot be served.
    """
    if not paths:
        return _text(built_in_services(), [built_in_image()], BUILT_IN_TITLE)
    given = read_descriptor_sets(paths)
    return _text(given.services, given.images)


async def openapi_text_of_target(target: str) -> str:
    """The document of the services that the server at `target` tells of by reflection.

    Raises ConfigurationError for a server that tells of none and for services that cannot be served.
    """
    try:
        services = services_in_image(await reflected_image(target))
    except (ReflectionError, DescriptorError) as error:
        raise ConfigurationError([f"target: {error}"]) from None
    # Reflection tells no comments; those of the built-in contract are known here, should it be what is served.
    return _text(services, [built_in_image()])


def _text(services: Iterable[ServiceDescriptor], images: Sequence[bytes], title: str | None = None) -> str:
    """The document, titled by the services' packages if not by `title`; its comments are those in `images`."""
    options = GatewayOptions()
    try:
        routes = RouteTable.from_services(services, options.reserved_paths).routes
    except RouteErrors as error:
        raise ConfigurationError(list(error.complaints)) from None
    document = openapi_document(
        routes,
        title=title or title_of(routes),
        version=__version__,
        options=options,
        comments=Comments.of_images(images),
    )
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
