"""Transcodes HTTP and JSON to gRPC and back, by the google.api.http annotations of any service."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from modelwire_gateway.app import Transcoder as Transcoder
    from modelwire_gateway.backends.local import LocalBackend as LocalBackend
    from modelwire_gateway.backends.remote import RemoteBackend as RemoteBackend
    from modelwire_gateway.http_server import HttpServer as HttpServer
    from modelwire_gateway.openapi import openapi_document as openapi_document
    from modelwire_gateway.options import GatewayOptions as GatewayOptions
    from modelwire_gateway.options import JsonOptions as JsonOptions
    from modelwire_gateway.routing.routes import RouteErrors as RouteErrors
    from modelwire_gateway.sources.descriptors import DescriptorError as DescriptorError
    from modelwire_gateway.sources.descriptors import services_in_image as services_in_image
    from modelwire_gateway.sources.reflection import ReflectionError as ReflectionError
    from modelwire_gateway.sources.reflection import UnreachableError as UnreachableError
    from modelwire_gateway.sources.reflection import reflected_services as reflected_services

_PLACES: Final = {
    "DescriptorError": "sources.descriptors",
    "GatewayOptions": "options",
    "HttpServer": "http_server",
    "JsonOptions": "options",
    "LocalBackend": "backends.local",
    "ReflectionError": "sources.reflection",
    "RemoteBackend": "backends.remote",
    "RouteErrors": "routing.routes",
    "Transcoder": "app",
    "UnreachableError": "sources.reflection",
    "openapi_document": "openapi",
    "reflected_services": "sources.reflection",
    "services_in_image": "sources.descriptors",
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first asked for: whoever wants the codec alone does not wait for gRPC."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
