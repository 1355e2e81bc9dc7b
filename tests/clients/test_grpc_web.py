"""Pages in front of the Envoy of docs/clients.md: the tour by gRPC-Web, and what CORS has to do with it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from support.commands import ended_by_itself, run
from support.envoy import envoy_with
from support.programs import Program, running
from support.toured_upstream import TouredUpstream
from support.tours import NODE, ROOT, TRANSCRIPT

CONFIG = ROOT / "docs" / "clients" / "envoy.yaml"
PAGE = Path(__file__).parent / "typescript" / "page.ts"
ORIGIN, OTHER = "https://app.example", "https://other.example"
LIST_MODELS = "/modelwire.v1.ModelService/ListModels"
NO_FIELDS = b"\0\0\0\0\0"
WEB = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type,x-grpc-web"}


@pytest.fixture
async def upstream() -> AsyncIterator[TouredUpstream]:
    async with TouredUpstream().listening() as upstream:
        yield upstream


@pytest.fixture
async def port(upstream: TouredUpstream, envoy: str, tmp_path: Path) -> AsyncIterator[int]:
    """Where an Envoy with the example's configuration, but for its addresses, listens before a server."""
    doors = ("--grpc-address", "127.0.0.1:0", "--no-http")
    with (
        running("serve", *doors, environment={"OPENAI_BASE_URL": upstream.url}) as server,
        envoy_with(envoy, configured(server, tmp_path)),
    ):
        yield await listened_port(tmp_path / "admin")


def configured(server: Program, folder: Path) -> Path:
    config = CONFIG.read_text()
    target = server.grpc_address.rpartition(":")[2]
    for written, changed in {"port_value: 8000": "port_value: 0", "port_value: 50051": f"port_value: {target}"}.items():
        assert config.count(written) == 1
        config = config.replace(written, changed)
    path = folder / "envoy.yaml"
    path.write_text(f"admin: {{ address: {{ pipe: {{ path: {folder / 'admin'} }} }} }}\n{config}")
    return path


async def listened_port(admin: Path) -> int:
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(admin), verify=False)) as client:
        answer = await client.get("http://envoy/listeners?format=json")
    [listener] = answer.json()["listener_statuses"]
    port: int = listener["local_address"]["socket_address"]["port_value"]
    return port


@pytest.fixture
def page(typescript_project: Path) -> Path:
    """The folder of a page that takes the tour, which calls by another transport."""
    tour = typescript_project / "tour.ts"
    written = tour.read_text()
    assert written.count('"@connectrpc/connect-node"') == 1
    tour.write_text(written.replace('"@connectrpc/connect-node"', '"./page.ts"'))
    shutil.copy(PAGE, typescript_project)
    return typescript_project


async def test_a_page_takes_the_tour(page: Path, port: int, upstream: TouredUpstream) -> None:
    variables = {"MODELWIRE_GRPC_ADDRESS": f"localhost:{port}", "MODELWIRE_API_KEY": "none", "PAGE_ORIGIN": ORIGIN}
    assert await asyncio.to_thread(run, NODE, "tour.ts", cwd=page, variables=variables) == TRANSCRIPT
    assert upstream.stories  # at least that of whoever left it; 50 ms may end before a call comes so far
    async with asyncio.timeout(10):
        await asyncio.gather(*(left.wait() for left in upstream.stories))


async def test_a_page_of_others_takes_none(page: Path, port: int) -> None:
    variables = {"MODELWIRE_GRPC_ADDRESS": f"localhost:{port}", "PAGE_ORIGIN": OTHER}
    ended = await asyncio.to_thread(ended_by_itself, NODE, "tour.ts", cwd=page, variables=variables)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"CORS: null may read this, {OTHER} may not" in ended.stderr


async def test_a_preflight_ends_at_envoy(port: int, client: httpx.AsyncClient) -> None:
    url = f"http://127.0.0.1:{port}{LIST_MODELS}"
    headers = {"host": "localhost", **PREFLIGHT}
    allowed = await client.options(url, headers={**headers, "origin": ORIGIN})
    refused = await client.options(url, headers={**headers, "origin": OTHER})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert {"content-type", "x-grpc-web"} <= set(allowed.headers["access-control-allow-headers"].split(","))
    assert allowed.headers["access-control-max-age"] == "600"
    assert not [name for name in refused.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("localhost", LIST_MODELS, 200),
        ("localhost:8000", LIST_MODELS, 200),
        ("api.example", LIST_MODELS, 200),
        ("somebody.example", LIST_MODELS, 404),
        ("localhost", "/grpc.health.v1.Health/Check", 404),
        ("localhost", "/v1/models", 404),
    ],
)
async def test_pages_reach_the_contract_alone_and_by_its_names(
    host: str, path: str, status: int, port: int, client: httpx.AsyncClient
) -> None:
    answer = await client.post(f"http://127.0.0.1:{port}{path}", headers={**WEB, "host": host}, content=NO_FIELDS)
    assert answer.status_code == status
    assert (b"all-minilm-l6-v2" in answer.content) is (status == 200)
