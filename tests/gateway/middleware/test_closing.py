import httpx
from modelwire_gateway.middleware import Closing
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
