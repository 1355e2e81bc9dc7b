"""What the tree promises: who may import whom, how large things may grow, that every RPC has a route."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelwire_gateway.routing.routes import RouteTable
from modelwire_gateway.sources.descriptors import built_in_services

ROOT = Path(__file__).parents[1]
GATEWAY = ROOT / "gateway" / "modelwire_gateway"
SERVICE = ROOT / "service" / "modelwire_service"
CLIENT = ROOT / "clients" / "python" / "modelwire_client"
MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 40

# Where the service and the gateway are composed into one process or told of, and the codec.
SERVICE_MODULES_THAT_MAY_USE_THE_GATEWAY = {
    "command_line/descriptor_sets.py",
    "command_line/doors.py",
    "command_line/gateway.py",
    "command_line/gateway_options.py",
    "command_line/http_door.py",
    "command_line/openapi.py",
    "http_settings.py",
    "rpc.py",
    "typed/json_texts.py",
    "workers/held_addresses.py",
}


def modules(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("module", modules(GATEWAY), ids=str)
def test_the_gateway_knows_nothing_of_the_service_nor_of_the_contract(module: Path) -> None:
    assert not [name for name in imports(module) if name.startswith(("modelwire_service", "modelwire.v1"))]


@pytest.mark.parametrize("module", modules(GATEWAY), ids=str)
def test_the_gateway_names_no_endpoint(module: Path) -> None:
    assert not re.findall(r"\b(?:completions?|embeddings?|gemini|llms?)\b", module.read_text().lower())


@pytest.mark.parametrize("module", modules(SERVICE), ids=str)
def test_the_service_uses_the_gateway_only_where_both_are_composed(module: Path) -> None:
    if module.relative_to(SERVICE).as_posix() not in SERVICE_MODULES_THAT_MAY_USE_THE_GATEWAY:
        assert not [name for name in imports(module) if name.startswith("modelwire_gateway")]


@pytest.mark.parametrize("module", modules(SERVICE / "upstreams"), ids=str)
def test_upstreams_know_nothing_of_grpc(module: Path) -> None:
    assert not [name for name in imports(module) if name.split(".")[0].startswith("grpc")]


@pytest.mark.parametrize("module", modules(CLIENT), ids=str)
def test_the_client_knows_neither_the_service_nor_the_gateway(module: Path) -> None:
    assert not [name for name in imports(module) if name.startswith(("modelwire_service", "modelwire_gateway"))]


@pytest.mark.parametrize("module", [*modules(GATEWAY), *modules(SERVICE), *modules(CLIENT)], ids=str)
def test_modules_and_functions_stay_small(module: Path) -> None:
    text = module.read_text()
    assert text.count("\n") <= MAX_MODULE_LINES
    functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    assert not [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > MAX_FUNCTION_LINES]


def test_every_rpc_has_a_route() -> None:
    services = built_in_services()
    routed = {route.rpc.path for route in RouteTable.from_services(services).routes}
    assert routed == {f"/{service.full_name}/{method.name}" for service in services for method in service.methods}


def test_the_routes_are_those_documented() -> None:
    documented = {
        "POST": {
            "/v1/chat/completions",
            "/v1beta:chatCompletions",
            "/v1beta/chat/completions",
            "/v1beta/openai/chat/completions",
            "/v1/embeddings",
            "/v1beta/embeddings",
            "/v1beta/embeddings:generate",
            "/v1beta/openai/embeddings",
            "/v1/modelwire/chat/completions",
            "/v1/modelwire/chat/completions:stream",
            "/v1/modelwire/embeddings",
        },
        "GET": {
            "/v1/models",
            "/v1beta/listModels",
            "/v1beta/openai/models",
            "/v1/modelwire/models",
            *(
                f"{path}/{{{capture}}}"
                for path in ("/v1/models", "/v1beta/listModels", "/v1beta/openai/models", "/v1/modelwire/models")
                for capture in ("model", "model=**")
            ),
        },
    }
    routes = RouteTable.from_services(built_in_services()).routes
    assert {(route.http_method, str(route.template)) for route in routes} == {
        (method, path) for method, paths in documented.items() for path in paths
    }
