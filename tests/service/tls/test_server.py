"""The doors' certificate: what is refused at the start, and what is taken or left alone while they run."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from modelwire_gateway.http_server import HttpServer
from modelwire_service.settings import ConfigurationError, Settings
from modelwire_service.tls.server import ServerCertificates, server_certificates
from support.asgi_apps import echo
from support.certificates import Authority, Pair
from support.raw_http import PATIENCE, connected

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
AUTHORITY = Authority()
TRUSTING = AUTHORITY.trusting()


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return AUTHORITY.issue().written(tmp_path)


@asynccontextmanager
async def watched(certificates: ServerCertificates) -> AsyncIterator[str]:
    """A door that shows `certificates`, which are watched meanwhile; its address."""
    server = HttpServer(echo, "127.0.0.1:0", tls=certificates.context)
    await server.start()
    watching = asyncio.create_task(certificates.watch())
    try:
        yield server.address
    finally:
        watching.cancel()
        await server.drain(0)


async def shown_to_one(address: str) -> bytes | None:
    async with connected(address, TRUSTING) as client:
        await client.send(GET)
        assert (await client.answer()).status == 200
        return client.tls.getpeercert(binary_form=True)


async def shows(pair: Pair, address: str) -> None:
    """Calls without a failure until `pair` is shown."""
    expected = ssl.PEM_cert_to_DER_cert(pair.certificate.decode())
    async with asyncio.timeout(PATIENCE):
        while await shown_to_one(address) != expected:
            pass


async def called_until_logged(address: str, caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    """Calls without a failure until something is logged."""
    async with asyncio.timeout(PATIENCE):
        while not caplog.records:
            await shown_to_one(address)
    return caplog.records[0]


async def test_a_changed_pair_is_shown_to_the_next_and_no_call_fails_meanwhile(
    paths: tuple[Path, Path], tmp_path: Path
) -> None:
    async with watched(ServerCertificates(*paths)) as address:
        for _ in range(2):
            renewed = AUTHORITY.issue()
            for path, content in zip(paths, (renewed.certificate, renewed.key), strict=True):
                path.write_bytes(content[:100])
                await shown_to_one(address)
                path.write_bytes(content)
                await shown_to_one(address)
            await shows(renewed, address)


async def test_a_pair_that_other_files_take_the_place_of_is_shown(paths: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "next").mkdir()
    renewed = AUTHORITY.issue()
    async with watched(ServerCertificates(*paths)) as address:
        for path, other in zip(paths, renewed.written(tmp_path / "next"), strict=True):
            other.replace(path)
        await shows(renewed, address)


@pytest.mark.parametrize("broken", [b"", b"half", Authority().issue().key, None])
async def test_a_broken_pair_is_logged_once_and_left_alone(
    broken: bytes | None, paths: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "modelwire.tls")
    async with watched(ServerCertificates(*paths)) as address:
        before = await shown_to_one(address)
        if broken is None:
            paths[1].unlink()
        else:
            paths[1].write_bytes(broken)
        record = await called_until_logged(address, caplog)
        assert record.getMessage() == "the changed certificate cannot be used"
        assert str(paths[1]) in str(record.__dict__["fields"])
        assert await shown_to_one(address) == before
        mended = AUTHORITY.issue()
        mended.written(paths[0].parent)
        await shows(mended, address)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "PRIVATE" not in caplog.text


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_in_use_are_spoken_and_http_1_1_is_agreed_on(
    version: ssl.TLSVersion, paths: tuple[Path, Path]
) -> None:
    client_context = AUTHORITY.trusting()
    client_context.minimum_version = client_context.maximum_version = version
    client_context.set_alpn_protocols(["h2", "http/1.1"])
    async with watched(ServerCertificates(*paths)) as address, connected(address, client_context) as client:
        await client.send(GET)
        assert (await client.answer()).status == 200
        assert client.tls.selected_alpn_protocol() == "http/1.1"


async def test_older_versions_are_refused(paths: tuple[Path, Path]) -> None:
    client_context = AUTHORITY.trusting()
    client_context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        client_context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="deprecated"):
        client_context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with watched(ServerCertificates(*paths)) as address:
        with pytest.raises(ssl.SSLError):
            async with connected(address, client_context):
                raise AssertionError
        assert await shown_to_one(address)


def test_every_complaint_is_told_at_once(paths: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        ServerCertificates(paths[0], paths[0], paths[1])
    assert raised.value.complaints == [
        f"tls_key: {paths[0]}: holds no private key in PEM",
        f"tls_client_ca: {paths[1]}: holds no certificate in PEM",
    ]


class TestSettings:
    def test_without_any_the_doors_are_plain(self) -> None:
        assert server_certificates(Settings()) is None

    def test_a_pair_is_enough(self, paths: tuple[Path, Path]) -> None:
        found = server_certificates(Settings(tls_certificate=paths[0], tls_key=paths[1]))
        assert found is not None
        assert found.current.client_authorities is None

    @pytest.mark.parametrize(
        ("given", "complaints"),
        [
            (["tls_certificate"], ["tls_key: is needed with tls_certificate"]),
            (["tls_key"], ["tls_certificate: is needed with tls_key"]),
            (
                ["tls_client_ca"],
                ["tls_certificate: is needed with tls_client_ca", "tls_key: is needed with tls_client_ca"],
            ),
            (["tls_certificate", "tls_client_ca"], ["tls_key: is needed with tls_certificate"]),
        ],
    )
    def test_what_is_missing_is_told(self, given: list[str], complaints: list[str], tmp_path: Path) -> None:
        settings = Settings.model_validate(dict.fromkeys(given, tmp_path / "file"))
        with pytest.raises(ConfigurationError) as raised:
            server_certificates(settings)
        assert raised.value.complaints == complaints
