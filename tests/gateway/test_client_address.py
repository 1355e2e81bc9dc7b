from ipaddress import ip_network

import pytest
from modelwire_gateway.client_address import TrustedProxies

NONE = TrustedProxies()
PROXIES = TrustedProxies((ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")))
UNIX = TrustedProxies((ip_network("10.0.0.0/8"),), unix=True)


@pytest.mark.parametrize(
    ("proxies", "peer", "header", "client"),
    [
        (NONE, "192.0.2.1", None, "192.0.2.1"),
        (NONE, "192.0.2.1", "203.0.113.9", "192.0.2.1"),
        (NONE, None, "203.0.113.9", ""),
        (PROXIES, "192.0.2.1", "203.0.113.9", "192.0.2.1"),
        (PROXIES, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (PROXIES, "10.0.0.1", None, "10.0.0.1"),
        (PROXIES, "10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (PROXIES, "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (PROXIES, "10.0.0.1", "6.6.6.6, garbage", "10.0.0.1"),
        (PROXIES, "10.0.0.1", "6.6.6.6, garbage, 10.0.0.2", "10.0.0.2"),
        (PROXIES, "10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        (PROXIES, "10.0.0.1", "[2001:db9::1]:4711", "2001:db9::1"),
        (PROXIES, "::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (PROXIES, "2001:db8::5", "2001:db9::1", "2001:db9::1"),
        (PROXIES, None, "203.0.113.9", ""),
        (UNIX, None, "203.0.113.9", "203.0.113.9"),
        (UNIX, None, None, ""),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(
    proxies: TrustedProxies, peer: str | None, header: str | None, client: str
) -> None:
    headers = {} if header is None else {"x-forwarded-for": header}
    assert proxies.client(peer, headers) == client
