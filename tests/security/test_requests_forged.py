"""Nobody makes a server ask anybody but the upstreams it is configured with."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_service.errors import ServiceError
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import HttpClient, Request, Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.http.native.client import NativeClient
from modelwire_service.upstreams.http.public_resolver import PublicResolver
from support.callers import DOORS, Asked, caller_at, got
from support.loopback import Loopback, Peer, listening
from support.scripted_gemini import KEY, ScriptedGemini
from support.scripted_upstream import ScriptedUpstream
from support.stack import openai_settings, running_stack

HttpClients = Callable[[], HttpClient]
CLIENTS: dict[str, HttpClients] = {
    "aiohttp": lambda: AiohttpClient(Timeouts()),
    "httpx": lambda: HttpxClient(Timeouts()),
    "native": lambda: NativeClient(Timeouts()),
}
# Names and spellings of this machine, of what clouds tell about theirs, and of hosts that are not allowed.
INSIDE = (
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:1]:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://017700000001:{port}/",
    "http://127。0。0。1:{port}/",
    "http://①②⑦.0.0.1:{port}/",
    "http://images.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@images.example/",
    "http://127.0.0.1:{port}#@images.example/",
    "http://127.0.0.1:{port}\\@images.example/",
    "http://images.example\t@127.0.0.1:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\",
    "//127.0.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/",
    "http://[fd00:ec2::254]/",
    "http://10.0.0.1/",
    "http://images.example:{port}/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/",
    "unix:///run/docker.sock",
)


@asynccontextmanager
async def inside() -> AsyncIterator[Loopback]:
    """A server that answers everybody with an image, and counts who came."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"\x89PNG secret", "content-type: image/png")

    async with listening(script) as loopback:
        yield loopback


def with_image(url: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"model": "m", "messages": [{"role": "user", "content": parts}]}


@dataclass(frozen=True)
class Asking(Asked):
    """A question about an image."""

    url: str = ""

    @property
    def json(self) -> dict[str, Any]:
        return with_image(self.url)


@pytest.fixture
async def gemini() -> AsyncIterator[ScriptedGemini]:
    async with ScriptedGemini("models/m").listening() as listening_one:
        yield listening_one


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("allowed", [[], ["images.example"], ["*"]], ids=str)
async def test_an_image_inside_is_never_fetched(door: str, allowed: list[str], gemini: ScriptedGemini) -> None:
    options = {"name": "g", "kind": "gemini", "base_url": gemini.url, "api_key": KEY, "allowed_media_hosts": allowed}
    settings = UpstreamSettings.model_validate({**options, "models": ["m"], "max_attempts": 1})
    async with inside() as secret, running_stack(settings) as stack:
        port = secret.url.rpartition(":")[2]
        caller = caller_at(door, stack)
        for url in INSIDE:
            if allowed == ["*"] and "images.example/" in url:
                continue  # which is then allowed, and would be looked for on the internet
            failure = (await got(caller, Asking(url=url.format(port=port)))).failure
            assert failure is not None, url
            assert (failure.code, "secret" in failure.message) == ("INVALID_ARGUMENT", False), url
        await caller.aclose()
    assert secret.connections == 0
    assert gemini.seen == []


async def test_a_server_for_openais_api_passes_addresses_on_and_asks_nobody(upstream: ScriptedUpstream) -> None:
    async with inside() as secret, running_stack(openai_settings(upstream.url, models=["m"])) as stack:
        caller = caller_at("REST local", stack)
        assert (await got(caller, Asking(url=secret.url))).done
        await caller.aclose()
    assert upstream.seen[0]["messages"][0]["content"][1]["image_url"]["url"] == secret.url
    assert secret.connections == 0


class Rebinding(AbstractResolver):
    """Answers with one address after the other, as a name does that its owner turns to another host."""

    def __init__(self, *addresses: str) -> None:
        self.asked = 0
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        address = self._addresses[min(self.asked, len(self._addresses) - 1)]
        self.asked += 1
        return [ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def test_a_name_is_looked_up_once_so_that_what_was_checked_is_what_is_asked() -> None:
    async with inside() as secret:
        name = Rebinding("127.0.0.1", "10.255.255.1")
        client = AiohttpClient(Timeouts(), resolver=lambda: name)
        url = secret.url.replace("127.0.0.1", "images.example")
        response = await client.send(Request("GET", url))
        await response.aclose()
        await client.aclose()
    assert (name.asked, secret.connections) == (1, 1)


async def test_a_name_that_is_turned_inside_is_not_followed_there() -> None:
    async with inside() as secret:
        name = Rebinding("10.0.0.1", "127.0.0.1", "::1", "169.254.169.254", "127.0.0.1")
        client = AiohttpClient(Timeouts(), resolver=lambda: PublicResolver(name))
        for _ in range(5):
            with pytest.raises(ServiceError):
                await client.send(Request("GET", secret.url.replace("127.0.0.1", "images.example")))
        await client.aclose()
    assert (name.asked, secret.connections) == (5, 0)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent", "300 Many"])
async def test_no_redirect_of_an_upstream_is_followed(kind: str, status: str) -> None:
    async with inside() as secret:

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.answer(b"", f"location: {secret.url}/", f"refresh: 0; url={secret.url}", status=status)

        client = CLIENTS[kind]()
        async with listening(script) as upstream:
            response = await client.send(Request("POST", upstream.url, {"authorization": "Bearer x"}, b"{}"))
            await response.aclose()
            await client.aclose()
        assert (response.status, upstream.connections) == (int(status[:3]), 1)
    assert secret.connections == 0


@pytest.mark.parametrize("kind", CLIENTS)
async def test_no_variable_names_a_proxy_of_upstreams(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with inside() as proxy, inside() as upstream:
        for variable in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(variable, proxy.url)
            monkeypatch.setenv(variable.upper(), proxy.url)
        client = CLIENTS[kind]()
        response = await client.send(Request("POST", upstream.url, {}, b"{}"))
        await response.aclose()
        await client.aclose()
    assert (proxy.connections, upstream.connections) == (0, 1)


async def test_nor_one_of_the_gateways_target(monkeypatch: pytest.MonkeyPatch) -> None:
    async with inside() as proxy:
        for variable in ("grpc_proxy", "http_proxy", "https_proxy"):
            monkeypatch.setenv(variable, proxy.url)
        target = RemoteBackend("127.0.0.1:9")
        assert not await target.ready()
        await target.close()
    assert proxy.connections == 0
