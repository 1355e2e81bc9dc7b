import pytest
from modelwire_service.client_address import client_address

FORWARDED = (("x-forwarded-for", "203.0.113.9"),)


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("ipv4:192.0.2.1:4711", "192.0.2.1"),
        ("ipv6:%5B2001:db8::1%5D:4711", "2001:db8::1"),
        ("ipv6:[::1]:4711", "::1"),
        ("ipv6:%5B::ffff:192.0.2.1%5D:4711", "192.0.2.1"),
        ("unix:", ""),
        ("unix:/run/socket", ""),
        ("local:in-process", "203.0.113.9"),
    ],
)
def test_the_client_is_the_peer_and_only_the_gateway_in_this_process_speaks_for_others(peer: str, client: str) -> None:
    assert client_address(peer, FORWARDED) == client
