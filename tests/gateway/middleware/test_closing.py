import httpx
import pytest
from modelwire_gateway.middleware.closing import Closing
from support.asgi_apps import echo


async def test_what_comes_after_the_notice_is_refused_and_sent_elsewhere() -> None:
    app = Closing(echo)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://modelwire") as http:
        before = await http.get("/v1/models")
        app.close()
        after = await http.get("/v1/models")
        alive = await http.get("/healthz")
    assert (before.status_code, after.status_code, alive.status_code) == (200, 503, 200)
    assert (after.headers["retry-after"], after.headers["connection"]) == ("1", "close")
    assert after.json()["error"]["status"] == "UNAVAILABLE"


@pytest.mark.parametrize(("given", "told"), [("req-7", "req-7"), ("not one", "req_")])
async def test_a_refusal_has_the_id_of_its_request(given: str, told: str) -> None:
    app = Closing(echo)
    app.close()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://modelwire") as http:
        answer = await http.get("/v1/models", headers={"x-request-id": given})
    assert answer.headers["x-request-id"].startswith(told)
