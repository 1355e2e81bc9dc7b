"""OpenAPI documents of descriptor images, and whether values keep their schemas."""

from collections.abc import Callable
from typing import Any

from modelwire_gateway.openapi import Comments, openapi_document
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.routing.route_rules import Route
from modelwire_gateway.routing.routes import RouteTable
from modelwire_gateway.sources.descriptors import services_in_image
from openapi_schema_validator import OAS31Validator, oas31_format_checker

Json = dict[str, Any]
Document = Callable[..., Json]
"""What makes the document of services that are given as text."""


def routes_of(image: bytes) -> tuple[Route, ...]:
    return RouteTable.from_services(services_in_image(image)).routes


def document_of(image: bytes, options: GatewayOptions | None = None) -> Json:
    return openapi_document(
        routes_of(image),
        title="test",
        version="1",
        options=options or GatewayOptions(),
        comments=Comments.of_images([image]),
    )


def check(document: Json, schema: Json, value: Any) -> None:
    """Raises, saying why, for a value that a schema of the document does not take."""
    _validator(document, schema).validate(value)


def takes(document: Json, schema: Json, value: Any) -> bool:
    return bool(_validator(document, schema).is_valid(value))


def answer_content(document: Json, method: str, path: str, status: int) -> Json:
    """The content that is documented for an answer."""
    responses = document["paths"][path][method.lower()]["responses"]
    response = responses.get(str(status), responses["default"])
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content: Json = response["content"]
    return content


def _validator(document: Json, schema: Json) -> Any:
    whole = {"components": document["components"], "allOf": [schema]}
    return OAS31Validator(whole, format_checker=oas31_format_checker)
