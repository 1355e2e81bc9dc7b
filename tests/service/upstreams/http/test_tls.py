"""Upstreams over TLS and through an outgoing proxy, on each adapter, by the settings of an upstream."""

import base64
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from modelwire_service.errors import UpstreamUnavailable
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.http.base import HttpClient, Request
from modelwire_service.upstreams.http.configured import configured_client
from modelwire_service.upstreams.http.proxy import Proxy
from support.certificates import LOOPBACK, Authority
from support.loopback import Loopback, Peer, listening
from support.proxying import proxying

AUTHORITY = Authority()
UNTRUSTED = "its certificate is from an authority that is not trusted"


@pytest.fixture(params=["aiohttp", "httpx", "native"])
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    return AUTHORITY.written(tmp_path)


@pytest.fixture(autouse=True)
def _proxies_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here may go through them."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")


async def echo(peer: Peer) -> None:
    while True:
        sent = await peer.request()
        await peer.answer(sent.partition(b"\r\n\r\n")[2])


@asynccontextmanager
async def upstream(
    directory: Path, hosts: Sequence[str] = LOOPBACK, *, days: int = 7, authority: Authority = AUTHORITY
) -> AsyncIterator[Loopback]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(hosts, days=days).written(directory, "upstream"))
    async with listening(echo, tls=context) as server:
        yield server


@asynccontextmanager
async def client(transport: str, **given: Any) -> AsyncIterator[HttpClient]:
    written = {"name": "u", "kind": "openai", "base_url": "https://u.test", "transport": transport, **given}
    made = configured_client(UpstreamSettings.model_validate(written))
    try:
        yield made
    finally:
        await made.aclose()


async def call(made: HttpClient, url: str) -> bytes:
    async with aclosing(await made.send(Request("POST", url, {}, b"body"))) as response:
        return b"".join([piece async for piece in response.pieces()])


async def failure(made: HttpClient, url: str) -> str:
    with pytest.raises(UpstreamUnavailable) as raised:
        await call(made, url)
    assert not raised.value.sent
    return raised.value.message.removeprefix("the upstream was not reached: ")


class TestVerification:
    async def test_an_upstream_of_an_own_authority_is_called(self, transport: str, ca: Path, tmp_path: Path) -> None:
        async with upstream(tmp_path) as server, client(transport, ca_file=ca) as made:
            assert [await call(made, server.url) for _ in range(2)] == [b"body", b"body"]
        assert server.connections == 1

    @pytest.mark.parametrize(
        ("hosts", "days", "why"),
        [
            (LOOPBACK, -1, "its certificate has expired"),
            (LOOPBACK, 60, "its certificate is not valid yet"),
            (["secret-host.test"], 7, "its certificate is for another host"),
            (["127.0.0.2"], 7, "its certificate is for another host"),
        ],
    )
    async def test_a_certificate_that_is_not_valid_is_refused_and_told(
        self, hosts: Sequence[str], days: int, why: str, transport: str, ca: Path, tmp_path: Path
    ) -> None:
        async with upstream(tmp_path, hosts, days=days) as server, client(transport, ca_file=ca) as made:
            assert await failure(made, server.url) == f"the TLS handshake failed: {why}"
        assert server.requests == []

    async def test_the_systems_authorities_do_not_vouch_for_others(self, transport: str, tmp_path: Path) -> None:
        async with upstream(tmp_path) as server, client(transport) as made:
            assert await failure(made, server.url) == f"the TLS handshake failed: {UNTRUSTED}"

    async def test_an_own_authority_vouches_for_no_others(self, transport: str, ca: Path, tmp_path: Path) -> None:
        async with upstream(tmp_path, authority=Authority("a")) as server, client(transport, ca_file=ca) as made:
            assert await failure(made, server.url) == f"the TLS handshake failed: {UNTRUSTED}"

    async def test_the_next_call_is_served_after_a_failed_one(self, transport: str, ca: Path, tmp_path: Path) -> None:
        async with (
            upstream(tmp_path, days=-1) as expired,
            upstream(tmp_path) as good,
            client(transport, ca_file=ca) as made,
        ):
            await failure(made, expired.url)
            assert await call(made, good.url) == b"body"

    def test_a_file_without_certificates_is_a_complaint(self, transport: str, tmp_path: Path) -> None:
        path = tmp_path / "ca.pem"
        path.write_bytes(AUTHORITY.issue().key)
        written = {"name": "u", "kind": "openai", "base_url": "https://u.test", "ca_file": path}
        settings = UpstreamSettings.model_validate({**written, "transport": transport})
        with pytest.raises(ValueError, match=rf"^ca_file: {path}: holds no certificate in PEM$"):
            configured_client(settings)


class TestProxy:
    @pytest.mark.parametrize("credentials", [None, "us er:p@ss%:w/ord"])
    async def test_an_upstream_over_tls_is_called_through_it(
        self, credentials: str | None, transport: str, ca: Path, tmp_path: Path
    ) -> None:
        encoded = base64.b64encode(credentials.encode()).decode() if credentials else None
        async with upstream(tmp_path) as server, proxying(encoded) as proxy:
            url = proxy.url.replace("//", "//us%20er:p%40ss%25%3Aw%2Ford@") if credentials else proxy.url
            async with client(transport, ca_file=ca, proxy=url) as made:
                assert [await call(made, server.url) for _ in range(2)] == [b"body", b"body"]
        assert [head.split()[:2] for head in proxy.heads] == [
            [b"CONNECT", server.url.removeprefix("https://").encode()]
        ]
        assert b"roxy-authorization" not in server.requests[0].lower()

    async def test_the_certificate_is_verified_behind_it(self, transport: str, ca: Path, tmp_path: Path) -> None:
        async with (
            upstream(tmp_path, ["secret-host.test"]) as server,
            proxying() as proxy,
            client(transport, ca_file=ca, proxy=proxy.url) as made,
        ):
            why = "its certificate is for another host"
            assert await failure(made, server.url) == f"the TLS handshake failed: {why}"

    async def test_one_that_refuses_is_told_without_what_it_said(
        self, transport: str, ca: Path, tmp_path: Path
    ) -> None:
        async with upstream(tmp_path) as server, proxying("c2VjcmV0OnNlY3JldA==") as proxy:
            url = proxy.url.replace("//", "//planted-user:planted-password@")
            async with client(transport, ca_file=ca, proxy=url) as made:
                assert await failure(made, server.url) == "the proxy refused to connect to it"
        assert server.connections == 0

    async def test_one_that_is_not_there_is_told(self, transport: str) -> None:
        async with client(transport, proxy="http://planted-user:planted-password@127.0.0.1:1") as made:
            assert await failure(made, "https://u.test/") == "Connection refused"

    @pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nnot TLS"])
    async def test_one_that_speaks_no_sense_is_told_as_not_reached(self, said: bytes, transport: str) -> None:
        async def nonsense(peer: Peer) -> None:
            await peer.reader.readuntil(b"\r\n\r\n")
            await peer.write(said)

        async with listening(nonsense) as proxy, client(transport, proxy=proxy.url) as made:
            assert "u.test" not in await failure(made, "https://u.test/")

    async def test_one_that_stays_mute_is_not_waited_for_longer_than_for_a_connection(self, transport: str) -> None:
        async def mute(peer: Peer) -> None:
            await peer.gone()

        async with listening(mute) as proxy, client(transport, proxy=proxy.url, connect_timeout=0.2) as made:
            assert await failure(made, "https://u.test/") == "no connection within 0.2 s"


class TestProxyUrls:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("http://proxy.test:3128", Proxy("http://proxy.test:3128")),
            ("http://[::1]:3128/", Proxy("http://[::1]:3128")),
            ("http://u:p%40ss@proxy.test:3128", Proxy("http://proxy.test:3128", "Basic dTpwQHNz")),
            ("http://u@proxy.test:3128", Proxy("http://proxy.test:3128", "Basic dTo=")),
        ],
    )
    def test_its_parts_are_read(self, text: str, expected: Proxy) -> None:
        assert Proxy.parsed(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "proxy.test:3128",
            "https://planted:secret@proxy.test:3128",
            "socks5://proxy.test:1080",
            "http://planted:secret@proxy.test",
            "http://planted:secret@:3128",
            "http://planted:secret@proxy.test:99999",
            "http://planted:secret@proxy.test:3128/path",
            "http://planted:secret@proxy.test:3128?q",
            "http://planted:secret@[::1",
        ],
    )
    def test_others_are_refused_without_being_told(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"^must be http://HOST:PORT or http://USER:PASSWORD@HOST:PORT$"):
            Proxy.parsed(text)

    def test_no_repr_shows_its_credentials(self) -> None:
        url = "http://planted-user:planted-password@proxy.test:3128"
        settings = UpstreamSettings.model_validate(
            {"name": "u", "kind": "openai", "base_url": "https://u.test", "proxy": url}
        )
        assert "planted" not in repr(settings) + str(settings) + settings.model_dump_json() + repr(Proxy.parsed(url))
