"""gRPC over TLS, with and without certificates of the callers, on both ends of the gateway's channel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from modelwire_gateway.backends.base import Rpc
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.errors import RpcFailure, status_row
from modelwire_service.settings import ConfigurationError, Settings
from modelwire_service.tls.grpc_credentials import channel_credentials, server_credentials, target_credentials
from modelwire_service.tls.server import ServerCertificates
from support.certificates import Authority
from support.raw_http import PATIENCE, connected

AUTHORITY = Authority()
REFUSED = "UNAVAILABLE: the service cannot be reached, or the connection to it broke"
CALLERS = Authority("authority of the callers")
CHECK = Rpc.of(health_pb2.DESCRIPTOR.services_by_name["Health"].methods_by_name["Check"])


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return AUTHORITY.issue().written(tmp_path)


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    return AUTHORITY.written(tmp_path)


@asynccontextmanager
async def served(certificates: ServerCertificates) -> AsyncIterator[str]:
    """A gRPC server with `certificates`, which are watched meanwhile; its address."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(certificates))
    await server.start()
    watching = asyncio.create_task(certificates.watch())
    try:
        yield f"127.0.0.1:{port}"
    finally:
        watching.cancel()
        await server.stop(0)


async def outcome(address: str, credentials: grpc.ChannelCredentials | None) -> str:
    """How a call over a new channel ends: OK, or a status and its message."""
    backend = RemoteBackend(address, credentials=credentials)
    call = backend.call(CHECK, b"", metadata=(), timeout=PATIENCE)
    try:
        await anext(call)
    except RpcFailure as error:
        return f"{status_row(error.status.code).name}: {error.status.message}"
    finally:
        await call.aclose()
        await backend.close()
    return "OK"


def target(**given: object) -> grpc.ChannelCredentials | None:
    return target_credentials(Settings.model_validate({"target_tls": True, **given}))


class TestDoor:
    async def test_only_callers_who_trust_it_get_through(self, paths: tuple[Path, Path], ca: Path) -> None:
        async with served(ServerCertificates(*paths)) as address:
            assert await outcome(address, target(target_ca=ca)) == "OK"
            assert await outcome(address, target()) == REFUSED
            assert await outcome(address, channel_credentials(CALLERS.certificate)) == REFUSED
            assert await outcome(address, None) == REFUSED
            assert await outcome(address, target(target_ca=ca)) == "OK"

    @pytest.mark.parametrize(("hosts", "days"), [(["elsewhere.test"], 7), (["127.0.0.1"], -1)])
    async def test_a_certificate_of_another_host_or_time_is_not_trusted(
        self, hosts: list[str], days: int, ca: Path, tmp_path: Path
    ) -> None:
        certificates = ServerCertificates(*AUTHORITY.issue(hosts, days=days).written(tmp_path))
        async with served(certificates) as address:
            assert await outcome(address, target(target_ca=ca)) == REFUSED

    async def test_callers_show_a_certificate_where_one_is_asked_for(
        self, paths: tuple[Path, Path], ca: Path, tmp_path: Path
    ) -> None:
        certificates = ServerCertificates(*paths, CALLERS.written(tmp_path, "callers"))
        known = CALLERS.issue(["caller"]).written(tmp_path, "known")
        stranger = Authority().issue(["caller"]).written(tmp_path, "stranger")
        late = CALLERS.issue(["caller"], days=-1).written(tmp_path, "late")
        async with served(certificates) as address:
            for pair, expected in ((known, "OK"), (stranger, REFUSED), (late, REFUSED), (known, "OK")):
                credentials = target(target_ca=ca, target_certificate=pair[0], target_key=pair[1])
                assert await outcome(address, credentials) == expected
            assert await outcome(address, target(target_ca=ca)) == REFUSED

    async def test_it_takes_changed_authorities_of_callers(
        self, paths: tuple[Path, Path], ca: Path, tmp_path: Path
    ) -> None:
        callers = CALLERS.written(tmp_path, "callers")
        others = Authority("other callers")
        certificate, key = others.issue(["caller"]).written(tmp_path, "other")
        credentials = target(target_ca=ca, target_certificate=certificate, target_key=key)
        async with served(ServerCertificates(*paths, callers)) as address:
            assert await outcome(address, credentials) == REFUSED
            callers.write_bytes(CALLERS.certificate + others.certificate)
            async with asyncio.timeout(PATIENCE):
                while await outcome(address, credentials) != "OK":
                    pass

    async def test_a_changed_certificate_is_taken_and_no_call_fails_meanwhile(
        self, paths: tuple[Path, Path], tmp_path: Path
    ) -> None:
        renewed_authority = Authority("another")
        either = channel_credentials(AUTHORITY.certificate + renewed_authority.certificate)
        renewed = channel_credentials(renewed_authority.certificate)
        async with served(ServerCertificates(*paths)) as address:
            assert await outcome(address, renewed) == REFUSED
            renewed_authority.issue().written(tmp_path)
            async with asyncio.timeout(PATIENCE):
                while await outcome(address, renewed) != "OK":
                    assert await outcome(address, either) == "OK"

    async def test_what_is_no_tls_ends_and_the_next_is_served(self, paths: tuple[Path, Path], ca: Path) -> None:
        async with served(ServerCertificates(*paths)) as address:
            async with connected(address) as client:
                await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                with suppress(ConnectionError):
                    await client.rest()
            assert await outcome(address, target(target_ca=ca)) == "OK"


class TestTarget:
    def test_without_settings_the_channel_is_plain(self) -> None:
        assert target_credentials(Settings()) is None

    async def test_tls_is_not_spoken_to_a_plain_server(self, ca: Path) -> None:
        server = grpc.aio.server()
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        assert await outcome(f"127.0.0.1:{port}", target(target_ca=ca)) == REFUSED
        await server.stop(0)

    @pytest.mark.parametrize(
        ("given", "complaints"),
        [
            (["target_ca"], ["target_ca: means nothing without target_tls"]),
            (
                ["target_certificate", "target_key"],
                [
                    "target_certificate: means nothing without target_tls",
                    "target_key: means nothing without target_tls",
                ],
            ),
            (["target_tls", "target_key"], ["target_certificate: is needed with target_key"]),
            (
                ["target_tls", "target_ca", "target_certificate"],
                [
                    "target_key: is needed with target_certificate",
                    "target_ca: {}/nothing: No such file or directory",
                ],
            ),
            (
                ["target_tls", "target_certificate", "target_key"],
                ["target_certificate: {}/nothing: No such file or directory"],
            ),
        ],
    )
    def test_what_does_not_fit_is_told(self, given: list[str], complaints: list[str], tmp_path: Path) -> None:
        values = {name: True if name == "target_tls" else tmp_path / "nothing" for name in given}
        with pytest.raises(ConfigurationError) as raised:
            target_credentials(Settings.model_validate(values))
        assert raised.value.complaints == [complaint.format(tmp_path) for complaint in complaints]
