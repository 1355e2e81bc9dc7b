from dataclasses import fields, replace
from ipaddress import ip_network
from typing import Any

import pytest
from modelwire_gateway.client_address import TrustedProxies
from modelwire_gateway.middleware import CorsPolicy
from modelwire_gateway.options import GatewayOptions, JsonOptions
from modelwire_service.command_line.gateway_options import contract_options, cors_policy, gateway_options
from modelwire_service.settings import Settings

EDGE: dict[str, Any] = {
    "max_request_bytes": 4096,
    "forwarded_headers": ("x-tenant",),
    "exposed_metadata": ("x-model",),
    "max_request_bytes_in_flight": 8192,
    "keep_alive_seconds": 3.0,
    "trusted_proxies": ("10.0.0.0/8", "unix"),
}
PATIENCE = {"x-stainless-timeout", "x-stainless-read-timeout"}
"""What clients of OpenAI's tell of how long they wait."""
LIMITS = [f"x-ratelimit-{of}-{what}" for of in ("limit", "remaining", "reset") for what in ("requests", "tokens")]
OURS = (*LIMITS, "x-should-retry")
"""What clients of OpenAI's read of answers."""
SHAPE: dict[str, Any] = {
    "unknown_query": "ignore",
    "unknown_fields": "ignore",
    "error_body": "status",
    "print_zero_values": True,
    "proto_field_names": True,
}


def test_without_settings_a_gateway_is_as_it_is_by_itself() -> None:
    ours = GatewayOptions(
        forwarded_headers=GatewayOptions().forwarded_headers | PATIENCE, exposed_metadata=frozenset(OURS)
    )
    assert contract_options(Settings()) == ours
    assert gateway_options(Settings()) == replace(ours, log_calls=True)


def test_a_gateway_of_any_service_heeds_every_setting() -> None:
    options = gateway_options(Settings(**EDGE, **SHAPE))
    assert (options.max_request_bytes, options.exposed_metadata) == (4096, frozenset({*OURS, "x-model"}))
    assert options.forwarded_headers == GatewayOptions().forwarded_headers | PATIENCE | {"x-tenant"}
    assert (options.max_bytes_in_flight, options.keep_alive_seconds) == (8192, 3.0)
    assert options.trusted_proxies == TrustedProxies((ip_network("10.0.0.0/8"),), unix=True)
    assert (options.unknown_query, options.error_body) == ("ignore", "status")
    assert options.json == JsonOptions(unknown_fields="ignore", print_zero_values=True, proto_field_names=True)


def test_every_option_has_its_setting() -> None:
    changed = gateway_options(Settings(**EDGE, **SHAPE))
    plain = GatewayOptions()
    names = [field.name for field in fields(plain)]
    assert [name for name in names if getattr(changed, name) == getattr(plain, name)] == ["reserved_paths"]


def test_the_json_of_the_built_in_contract_is_not_a_matter_of_settings() -> None:
    assert contract_options(Settings(**EDGE, **SHAPE)) == contract_options(Settings(**EDGE))
    assert contract_options(Settings(**EDGE)) != GatewayOptions()


def test_no_origins_no_policy() -> None:
    assert cors_policy(Settings(cors_max_age_seconds=5)) is None


@pytest.mark.parametrize("credentials", [True, False])
def test_pages_may_read_what_the_operator_exposes(credentials: bool) -> None:
    settings = Settings(
        cors_origins=("https://a.example",),
        cors_credentials=credentials,
        cors_max_age_seconds=5,
        cors_exposed_headers=("grpc-metadata-a",),
        exposed_metadata=("x-model",),
    )
    assert cors_policy(settings) == CorsPolicy(
        origins=("https://a.example",),
        credentials=credentials,
        max_age_seconds=5,
        exposed_headers=("x-request-id", "retry-after", "retry-after-ms", *OURS, "x-model", "grpc-metadata-a"),
    )
