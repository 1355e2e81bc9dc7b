"""The gateway's options as the settings have them."""

from dataclasses import replace
from typing import Final

from modelwire_gateway.metadata import FORWARDED_HEADERS
from modelwire_gateway.middleware import CorsPolicy
from modelwire_gateway.options import GatewayOptions, JsonOptions

from modelwire_service.settings import Settings

_ALWAYS_EXPOSED: Final = ("x-request-id", "retry-after", "retry-after-ms")


def contract_options(settings: Settings) -> GatewayOptions:
    """The options in front of the built-in contract, whose JSON is what its callers' libraries were written for."""
    return GatewayOptions(
        max_request_bytes=settings.max_request_bytes,
        forwarded_headers=FORWARDED_HEADERS.union(settings.forwarded_headers),
        exposed_metadata=frozenset(settings.exposed_metadata),
    )


def gateway_options(settings: Settings) -> GatewayOptions:
    """The options in front of any service. Calls are logged, which the service does elsewhere if at all."""
    return replace(
        contract_options(settings),
        json=JsonOptions(
            unknown_fields=settings.unknown_fields,
            proto_field_names=settings.proto_field_names,
            print_zero_values=settings.print_zero_values,
        ),
        error_body=settings.error_body,
        unknown_query=settings.unknown_query,
        log_calls=True,
    )


def cors_policy(settings: Settings) -> CorsPolicy | None:
    """Who may call from other origins; None where nobody may."""
    if not settings.cors_origins:
        return None
    return CorsPolicy(
        origins=settings.cors_origins,
        credentials=settings.cors_credentials,
        max_age_seconds=settings.cors_max_age_seconds,
        exposed_headers=(*_ALWAYS_EXPOSED, *settings.exposed_metadata, *settings.cors_exposed_headers),
    )
