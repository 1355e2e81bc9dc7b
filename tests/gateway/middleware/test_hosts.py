import httpx
import pytest
from modelwire_gateway.middleware import HostPolicy
from modelwire_gateway.middleware.hosts import AllowedHosts
from support.asgi_apps import echo

LOOPBACK = HostPolicy()
NAMED = HostPolicy(names=("api.example.com", "*.internal", "192.0.2.1"))
ADDRESSES = HostPolicy(addresses=True)


@pytest.mark.parametrize(
    ("policy", "host", "status"),
    [
        (LOOPBACK, "localhost", 200),
        (LOOPBACK, "LOCALHOST:8080", 200),
        (LOOPBACK, "localhost.:8080", 200),
        (LOOPBACK, "app.localhost:8080", 200),
        (LOOPBACK, "127.0.0.1:8080", 200),
        (LOOPBACK, "127.8.9.1", 200),
        (LOOPBACK, "[::1]:8080", 200),
        (LOOPBACK, "evil.example", 421),
        (LOOPBACK, "localhost.evil.example", 421),
        (LOOPBACK, "127.0.0.1.evil.example", 421),
        (LOOPBACK, "notlocalhost", 421),
        (LOOPBACK, "192.0.2.1:8080", 421),
        (LOOPBACK, "", 421),
        (NAMED, "api.example.com:443", 200),
        (NAMED, "API.Example.Com", 200),
        (NAMED, "localhost", 200),
        (NAMED, "a.internal", 200),
        (NAMED, "internal", 421),
        (NAMED, "a.b.internal", 421),
        (NAMED, "192.0.2.1", 200),
        (NAMED, "192.0.2.2", 421),
        (ADDRESSES, "192.0.2.2:8080", 200),
        (ADDRESSES, "[2001:db8::1]", 200),
        (ADDRESSES, "evil.example", 421),
    ],
)
async def test_a_host_is_answered_or_refused(policy: HostPolicy, host: str, status: int) -> None:
    transport = httpx.ASGITransport(AllowedHosts(echo, policy))
    async with httpx.AsyncClient(transport=transport, base_url="http://modelwire") as http:
        answer = await http.get("/healthz", headers={"host": host})
    assert answer.status_code == status
    if status == 421:
        assert answer.json()["error"]["details"][0]["reason"] == "HOST_NOT_ALLOWED"
        assert "evil" not in answer.text
