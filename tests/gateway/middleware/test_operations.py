import threading
from collections.abc import Awaitable, Callable

import httpx
import pytest
from modelwire_gateway.middleware import Operations
from modelwire_gateway.options import OPERATIONAL_PATHS
from support.asgi_apps import Serve, echo


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


DOCUMENT = b'{"openapi":"3.1.0"}'


def operations(
    ready: Callable[[], Awaitable[bool]] = yes, openapi: Callable[[], bytes] = lambda: DOCUMENT
) -> Operations:
    return Operations(echo, ready, openapi)


def client(app: Operations) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://modelwire")


async def test_alive_even_when_not_ready() -> None:
    async with client(operations(no)) as http:
        answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


async def test_ready_when_the_backend_is() -> None:
    async with client(operations()) as http:
        answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_not_ready_is_a_503_in_the_shape_of_every_error() -> None:
    async with client(operations(no)) as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["error"]["status"] == "UNAVAILABLE"
    assert answer.json()["error"]["message"] == "not ready to take calls"


@pytest.mark.parametrize("path", sorted(OPERATIONAL_PATHS))
@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
async def test_other_methods_are_told_which_are_allowed(path: str, method: str) -> None:
    async with client(operations()) as http:
        answer = await http.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json()["error"]["code"] == 405


@pytest.mark.parametrize("path", ["/", "/healthz/", "/v1/readyz", "/HEALTHZ"])
async def test_other_paths_reach_the_app(path: str) -> None:
    async with client(operations(no)) as http:
        answer = await http.post(path, content=b"hello")
    assert answer.json()["path"] == path
    assert answer.json()["body"] == "hello"


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 503), ("/openapi.json", 200)])
async def test_head_is_answered_as_get_without_the_body(serve: Serve, path: str, status: int) -> None:
    server = await serve(operations(no))
    async with httpx.AsyncClient(base_url=f"http://{server.address}") as http:
        get = await http.get(path)
        head = await http.head(path)
    assert (head.status_code, head.content) == (status, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))


async def test_the_document_is_what_is_served_at_the_time() -> None:
    documents = iter([b'{"a":1}', b'{"b":2}'])
    async with client(operations(openapi=lambda: next(documents))) as http:
        first, second = await http.get("/openapi.json"), await http.get("/openapi.json")
    assert (first.status_code, first.content, second.content) == (200, b'{"a":1}', b'{"b":2}')
    assert first.headers["content-type"] == "application/json"
    assert first.headers["etag"] != second.headers["etag"]


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}'])
async def test_who_has_the_document_is_told_so(known: str) -> None:
    async with client(operations()) as http:
        tag = (await http.get("/openapi.json")).headers["etag"]
        answer = await http.get("/openapi.json", headers={"if-none-match": known.format(tag)})
        changed = await http.get("/openapi.json", headers={"if-none-match": known.format('"another"')})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert (changed.status_code, changed.content) == (200, DOCUMENT)


async def test_the_document_is_made_beside_the_event_loop() -> None:
    asked_in: list[int] = []

    def telling() -> bytes:
        asked_in.append(threading.get_ident())
        return DOCUMENT

    async with client(operations(openapi=telling)) as http:
        await http.get("/openapi.json")
    assert asked_in != [threading.get_ident()]
