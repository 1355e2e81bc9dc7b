"""The whole document, of the routes of a gateway."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from modelwire_gateway.content_types import JSON
from modelwire_gateway.json_codec.styles import rest_style
from modelwire_gateway.openapi.comments import NO_COMMENTS, Comments
from modelwire_gateway.openapi.component_names import ComponentNames
from modelwire_gateway.openapi.error_schema import error_schema
from modelwire_gateway.openapi.operations import OperationWriter, operations_of, short_names
from modelwire_gateway.openapi.paths import with_names
from modelwire_gateway.openapi.roles import in_two_roles
from modelwire_gateway.openapi.schemas import Schemas
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.routing.route_rules import Route

_CREDENTIALS: Final = {
    "authorization": ("bearer", {"type": "http", "scheme": "bearer"}),
    "x-goog-api-key": ("apiKey", {"type": "apiKey", "in": "header", "name": "x-goog-api-key"}),
}
"""Headers that carry a credential to the service, which may or may not want one."""


def openapi_document(
    routes: Sequence[Route], *, title: str, version: str, options: GatewayOptions, comments: Comments = NO_COMMENTS
) -> dict[str, Any]:
    """The OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.0) of what `routes` serve, as plain JSON values.

    `title` and `version` are those of the API; `comments` of the services' files become descriptions. The same
    arguments give the same document.
    """
    services = list(dict.fromkeys(route.rpc.descriptor.containing_service for route in routes))
    names = ComponentNames()
    schemas = Schemas(options.json, comments, names, in_two_roles(routes, rest_style(options.json), names))
    paths = _paths(routes, OperationWriter(services, schemas))
    credentials = dict(_CREDENTIALS[name] for name in _CREDENTIALS if name in options.forwarded_headers)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": "/"}],
        "security": [{}, *({name: []} for name in credentials)],
        "tags": _tags(services, comments),
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "responses": {"Error": _error(options)},
            "securitySchemes": credentials,
        },
    }


def title_of(routes: Iterable[Route]) -> str:
    """What to call an API that nobody named: the packages of its services."""
    packages = dict.fromkeys(route.rpc.descriptor.containing_service.file.package for route in routes)
    return ", ".join(package for package in packages if package) or "API"


def _paths(routes: Sequence[Route], writer: OperationWriter) -> dict[str, Any]:
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for (shape, method), operation in operations_of(routes).items():
        paths[with_names(shape, operation.names)][method.lower()] = writer.write(operation)
    return dict(paths)


def _tags(services: Iterable[ServiceDescriptor], comments: Comments) -> list[dict[str, str]]:
    names = short_names(services)
    tags = ((names[service.full_name], comments.of(service.full_name)) for service in services)
    return [{"name": name, **({"description": comment} if comment else {})} for name, comment in tags]


def _error(options: GatewayOptions) -> dict[str, Any]:
    return {"description": "An error", "content": {JSON: {"schema": error_schema(options)}}}
