"""Fixtures that start real servers."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from support.programs import SCRUBBED, Program, running
from support.scripted_upstream import ScriptedUpstream
from support.stack import Stack, openai_settings, running_stack

pytest_plugins = ["support.toolchains", "support.redis_server", "support.postgres_server"]


@pytest.fixture(autouse=True, scope="session")
def _no_configuration_from_outside() -> Iterator[None]:
    """The variables that select upstreams must not leak into tests that build settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in SCRUBBED:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Program]:
    """`modelwire serve` as a newcomer starts it: no configuration, the embedded models; free ports."""
    with running("serve", "--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0") as program:
        yield program


@pytest.fixture(scope="session")
def remote_gateway(server: Program) -> Iterator[Program]:
    """`modelwire gateway` in front of `server`'s gRPC door."""
    with running("gateway", "--target", server.grpc_address, "--http-address", "127.0.0.1:0") as program:
        yield program


@pytest.fixture(params=["local", "remote"])
def embedded_url(request: pytest.FixtureRequest) -> str:
    """REST in front of the embedded models, over either backend."""
    program: Program = request.getfixturevalue("server" if request.param == "local" else "remote_gateway")
    return program.url


@pytest.fixture(params=["local", "remote"])
def backend(request: pytest.FixtureRequest) -> str:
    """Names the backend REST goes over; tests that take it run once over each."""
    name: str = request.param
    return name


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream().listening() as listening:
        yield listening


@pytest.fixture
async def stack(upstream: ScriptedUpstream) -> AsyncIterator[Stack]:
    """modelwire in front of `upstream`."""
    async with running_stack(openai_settings(upstream.url)) as running_one:
        yield running_one


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """For requests to any of the servers."""
    async with httpx.AsyncClient(timeout=30) as client:
        yield client
