"""Which rules Envoy and modelwire refuse to start with."""

from pathlib import Path

import pytest
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.routing.routes import RouteErrors, RouteTable
from modelwire_gateway.sources.descriptors import services_in_image
from side_by_side.known_differences import markdown
from side_by_side.startup_rules import ALIKE, PROTO, SERVICE, STARTUP, Startup
from support.envoy import refusal
from support.images import compiled_image

DOCUMENT = Path(__file__).parents[2] / "docs" / "envoy.md"


@pytest.mark.parametrize("rule", ALIKE)
def test_both_refuse_a_rule_or_neither(rule: str, envoy: str, tmp_path: Path) -> None:
    by_envoy, by_us = refused(rule, envoy, tmp_path)
    assert by_envoy == by_us


@pytest.mark.parametrize("known", STARTUP, ids=lambda known: known.title)
def test_rules_that_one_refuses(known: Startup, envoy: str, tmp_path: Path) -> None:
    expected = (known.refused_by_envoy, not known.refused_by_envoy)
    assert {rule: refused(rule, envoy, tmp_path) for rule in known.rules} == dict.fromkeys(known.rules, expected)


def test_the_document_has_the_table() -> None:
    rows = [(known.title, known.envoy, known.ours, known.reason) for known in STARTUP]
    shown = markdown(("What", "Envoy", "modelwire", "Why"), rows)
    assert shown in DOCUMENT.read_text(), shown


def refused(rule: str, envoy: str, folder: Path) -> tuple[bool, bool]:
    """Whether Envoy refuses to start with a rule, and whether we do."""
    image = folder / "image.binpb"
    image.write_bytes(compiled_image(folder, test=PROTO.replace("RULE", rule)))
    services = [service for service in services_in_image(image.read_bytes()) if service.full_name == SERVICE]
    try:
        RouteTable.from_services(services, GatewayOptions().reserved_paths)
    except RouteErrors:
        return bool(refusal(envoy, folder, image, SERVICE)), True
    return bool(refusal(envoy, folder, image, SERVICE)), False
