"""The gateway's options as the settings have them."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Final

from modelwire_gateway.client_address import TrustedProxies
from modelwire_gateway.metadata import FORWARDED_HEADERS
from modelwire_gateway.middleware import CorsPolicy, HostPolicy
from modelwire_gateway.options import GatewayOptions, JsonOptions

from modelwire_service.exposure import reachable_from_elsewhere
from modelwire_service.http_settings import UNIX
from modelwire_service.settings import Settings

_LIMITS: Final = (
    f"x-ratelimit-{of}-{what}" for of in ("limit", "remaining", "reset") for what in ("requests", "tokens")
)
_OUR_METADATA: Final = frozenset(("x-should-retry", *_LIMITS))
_CLIENTS_PATIENCE: Final = ("x-stainless-read-timeout", "x-stainless-timeout")
_ALWAYS_EXPOSED: Final = ("x-request-id", "retry-after", "retry-after-ms", *sorted(_OUR_METADATA))


def contract_options(settings: Settings) -> GatewayOptions:
    """The options in front of the built-in contract, whose JSON is what its callers' libraries were written for."""
    networks = tuple(ip_network(proxy) for proxy in settings.trusted_proxies if proxy != UNIX)
    return GatewayOptions(
        max_request_bytes=settings.max_request_bytes,
        forwarded_headers=FORWARDED_HEADERS.union(_CLIENTS_PATIENCE, settings.forwarded_headers),
        exposed_metadata=_OUR_METADATA.union(settings.exposed_metadata),
        max_bytes_in_flight=settings.max_request_bytes_in_flight,
        keep_alive_seconds=settings.keep_alive_seconds,
        trusted_proxies=TrustedProxies(networks, unix=UNIX in settings.trusted_proxies),
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


def host_policy(settings: Settings) -> HostPolicy:
    """The hosts that are answered to where anybody is: those of this machine, and what the operator named."""
    return HostPolicy(settings.allowed_hosts, addresses=reachable_from_elsewhere(settings.http_address))


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
