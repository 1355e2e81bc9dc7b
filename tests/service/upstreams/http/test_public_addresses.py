"""Which addresses are of the internet at large, and that names lead to no others."""

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from modelwire_service.upstreams.http.public_addresses import is_public
from modelwire_service.upstreams.http.public_resolver import PublicResolver

PUBLIC = ["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "::ffff:8.8.8.8"]
NOT_PUBLIC = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "fec0::1",
    "localhost",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not(address: str) -> None:
    assert not is_public(address)


class Answering(AbstractResolver):
    """Resolves every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        self.closed = True


async def test_a_name_with_public_addresses_has_them() -> None:
    found = await PublicResolver(Answering("8.8.8.8", "1.1.1.1")).resolve("x.example", 443)
    assert [result["host"] for result in found] == ["8.8.8.8", "1.1.1.1"]


@pytest.mark.parametrize("addresses", [(), ("10.0.0.1",), ("8.8.8.8", "::1")])
async def test_one_address_that_is_not_public_spoils_a_name(addresses: tuple[str, ...]) -> None:
    with pytest.raises(OSError, match="no public address"):
        await PublicResolver(Answering(*addresses)).resolve("x.example", 443)


async def test_it_closes_what_it_asks() -> None:
    inner = Answering()
    await PublicResolver(inner).close()
    assert inner.closed
