"""The layers of the front door together, over a socket."""

import httpx
import pytest
from modelwire_gateway.middleware import CorsPolicy, front
from support.asgi_apps import Serve, echo

ORIGIN = "https://here.example"
DOCUMENT = b'{"openapi": "3.1.0", "paths": {' + b'"/a": {}, ' * 500 + b'"/b": {}}}'


async def never() -> bool:
    return False


def document() -> bytes:
    return DOCUMENT


async def client(serve: Serve, *, cors: CorsPolicy | None = None, compress: bool = True) -> httpx.AsyncClient:
    server = await serve(front(echo, ready=never, openapi=document, cors=cors, compress=compress).app)
    return httpx.AsyncClient(base_url=f"http://{server.address}", headers={"origin": ORIGIN})


@pytest.mark.parametrize("compress", [True, False])
async def test_the_document_is_compressed_unless_nothing_is(serve: Serve, compress: bool) -> None:
    async with await client(serve, compress=compress) as http:
        answer = await http.get("/openapi.json", headers={"accept-encoding": "gzip"})
    assert answer.content == DOCUMENT
    assert answer.headers.get("content-encoding") == ("gzip" if compress else None)


async def test_the_tag_of_a_compressed_document_is_known_again(serve: Serve) -> None:
    async with await client(serve) as http:
        first = await http.get("/openapi.json")
        again = await http.get("/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert first.headers["etag"].startswith("W/")
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["vary"] == first.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 503), ("/openapi.json", 200), ("/a", 200)])
async def test_every_answer_is_for_pages_of_the_origins_named(serve: Serve, path: str, status: int) -> None:
    async with await client(serve, cors=CorsPolicy(origins=(ORIGIN,))) as http:
        answer = await http.get(path)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "Origin" in answer.headers["vary"]


async def test_no_page_of_another_origin_may_read_an_answer_unless_told_so(serve: Serve) -> None:
    async with await client(serve) as http:
        answer = await http.get("/a")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/a", "/readyz", "/openapi.json"])
async def test_a_page_can_read_that_the_server_is_closing(serve: Serve, path: str) -> None:
    fronted = front(echo, ready=never, openapi=document, cors=CorsPolicy(origins=(ORIGIN,)))
    server = await serve(fronted.app)
    fronted.close()
    asked = {"access-control-request-method": "POST"}
    async with httpx.AsyncClient(base_url=f"http://{server.address}", headers={"origin": ORIGIN}) as http:
        preflight = await http.options(path, headers=asked)
        answer = await http.get(path)
        alive = await http.get("/healthz")
    assert (preflight.status_code, answer.status_code, alive.status_code) == (200, 503, 200)
    assert answer.json()["error"]["message"] == "the server is shutting down"
    assert [told.headers["access-control-allow-origin"] for told in (preflight, answer, alive)] == [ORIGIN] * 3
    assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")
