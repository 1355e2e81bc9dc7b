"""The OpenAPI document of the built-in contract, or of any annotated services, as text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson
from modelwire_gateway.descriptors import DescriptorError, built_in_image, services_in_image
from modelwire_gateway.openapi import Comments, openapi_document, title_of
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.reflection import ReflectionError, reflected_image
from modelwire_gateway.routes import RouteErrors, RouteTable

from modelwire_service import __version__
from modelwire_service.settings import ConfigurationError

BUILT_IN_TITLE: Final = "modelwire"


def openapi_text(images: Sequence[Path]) -> str:
    """The document of the services in the descriptor sets, indented; of the built-in contract if there are none.

    Raises ConfigurationError for a file that cannot be read and for services that cannot be served.
    """
    if not images:
        return openapi_text_of([built_in_image()], BUILT_IN_TITLE)
    contents = []
    for path in images:
        try:
            contents.append(path.read_bytes())
        except OSError as error:
            raise ConfigurationError([f"descriptor_set: {path}: {error.strerror}"]) from None
    return openapi_text_of(contents)


async def openapi_text_of_target(target: str) -> str:
    """The document of the services that the server at `target` tells of by reflection.

    Raises ConfigurationError for a server that tells of none and for services that cannot be served.
    """
    try:
        image = await reflected_image(target)
    except ReflectionError as error:
        raise ConfigurationError([f"target: {error}"]) from None
    # Reflection tells no comments; those of the built-in contract are known here, should it be what is served.
    return openapi_text_of([image], commented=[built_in_image()])


def openapi_text_of(
    images: Sequence[bytes], title: str | None = None, *, commented: Sequence[bytes] | None = None
) -> str:
    """The document of the services in serialized descriptor sets, titled by their packages if not by `title`.

    Its comments are those of the `commented` sets, or of the same ones. Raises ConfigurationError for services
    that cannot be served.
    """
    options = GatewayOptions()
    try:
        services = [service for image in images for service in services_in_image(image)]
        routes = RouteTable.from_services(services, options.reserved_paths).routes
    except DescriptorError as error:
        raise ConfigurationError([f"descriptor_set: {error}"]) from None
    except RouteErrors as error:
        raise ConfigurationError(list(error.complaints)) from None
    document = openapi_document(
        routes,
        title=title or title_of(routes),
        version=__version__,
        options=options,
        comments=Comments.of_images(images if commented is None else commented),
    )
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
