"""Paths that mean one thing to a front and another to what stands behind it: none leads around the entrance."""

import json
from urllib.parse import quote

import pytest
from support.callers import DOORS
from support.guarded import Guarded, Keys
from support.raw_http import connected

pytestmark = pytest.mark.asyncio(loop_scope="session")

REST = DOORS[1:]
OPEN = ("/healthz", "/readyz", "/openapi.json")

TRICKS = {
    "dots": "/healthz/../v1/models",
    "encoded dots": "/healthz/%2e%2e/v1/models",
    "dots, encoded slash": "/healthz/..%2fv1/models",
    "all encoded": "/healthz%2f%2e%2e%2fv1%2fmodels",
    "encoded twice": "/healthz/%252e%252e/v1/models",
    "backslashes": "/healthz\\..\\v1\\models",
    "encoded backslashes": "/healthz/..%5cv1%5cmodels",
    "two slashes": "//v1/models",
    "slashes in between": "/v1//models",
    "a slash behind": "/v1/models/",
    "a dot": "/v1/./models",
    "an encoded slash": "/v1%2fmodels",
    "encoded letters": "/v1/%6d%6f%64%65%6c%73",
    "an encoded NUL": "/v1/models%00",
    "a NUL and more": "/healthz%00/../v1/models",
    "an overlong slash": "/healthz/..%c0%afv1/models",
    "overlong dots": "/healthz/%c0%ae%c0%ae/v1/models",
    "a parameter": "/v1/models;/healthz",
    "a parameter of the operators": "/healthz;/../v1/models",
    "capitals": "/V1/MODELS",
    "a fragment": "/v1/models#/healthz",
    "an encoded question mark": "/healthz%3f/../v1/models",
    "an encoded line end": "/healthz%0d%0a/v1/models",
    "a full-width slash": quote("/healthz/..／v1／models"),
    "a file": "/../../../../etc/passwd",
    "an encoded file": "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "a file's URL": "/v1/models/file%3a%2f%2f%2fetc%2fpasswd",
    "a file for a model": "/v1/models/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "a method of gRPC": "/modelwire.v1beta.ModelService/ListModels",
    "reflection": "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}


async def status_and_body(address: str, path: str, key: str = "") -> tuple[int, bytes]:
    credential = f"Authorization: Bearer {key}\r\n" if key else ""
    async with connected(address) as client:
        await client.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{credential}\r\n".encode())
        answer = await client.answer()
    return answer.status, answer.body


@pytest.mark.parametrize("door", REST)
@pytest.mark.parametrize("name", TRICKS)
async def test_no_path_leads_around_the_entrance_or_to_a_file(
    name: str, door: str, asking: Guarded, keys: Keys
) -> None:
    address, path = asking.url(door).removeprefix("http://"), TRICKS[name]
    status, body = await status_and_body(address, path)
    assert status in (400, 401, 404)
    assert json.loads(body)["error"]["code"] == status
    assert b"root:" not in body
    # With a key it is the same route: who asks for a key has not been mistaken for who does not.
    allowed, told = await status_and_body(address, path, keys.full)
    assert (allowed in (200, 400, 404)) if status == 401 else (allowed, told) == (status, body)


@pytest.mark.parametrize("door", REST)
@pytest.mark.parametrize("path", OPEN)
async def test_what_is_open_is_open_under_its_own_name_alone(path: str, door: str, asking: Guarded) -> None:
    address = asking.url(door).removeprefix("http://")
    for near in (path + "/", "/" + path, path.upper(), path + "%20", "/v1" + path, path.replace("z", "%7A") + ";"):
        status, body = await status_and_body(address, near)
        assert (status, json.loads(body)["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("door", REST)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "PROPFIND"])
async def test_no_method_leads_around_the_entrance(method: str, door: str, asking: Guarded) -> None:
    async with connected(asking.url(door).removeprefix("http://")) as client:
        await client.send(f"{method} /v1/models HTTP/1.1\r\nHost: localhost\r\nX-HTTP-Method: GET\r\n\r\n".encode())
        assert (await client.answer(to_head=method == "HEAD")).status == 405


@pytest.mark.parametrize("door", REST)
async def test_a_name_in_a_path_is_a_name_to_the_entrance_too(door: str, asking: Guarded, keys: Keys) -> None:
    address = asking.url(door).removeprefix("http://")
    for name in ("dear-1", "dear%2d1", "openai%2fdear-1", "cheap-1%2f..%2fdear-1", "cheap-1/../dear-1", "dear-1%00"):
        status, _ = await status_and_body(address, f"/v1/models/{name}", keys.cheap)
        assert status in (400, 403, 404)
