"""The options of `modelwire gateway` that are a matter of taste, as callers meet them."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway_programs import gateway_of

PROTO = """
syntax = "proto3"; package t;
import "google/api/annotations.proto";
message Page { string page_token = 1; int32 size = 2; repeated string items = 3; }
service S {
  rpc Get(Page) returns (Page) { option (google.api.http) = {
    get: "/page"
    additional_bindings { post: "/page" body: "*" }
  }; }
}
"""
TOKEN = b"\x0a\x01t"
"""A Page whose token is "t"."""


class Service:
    """Answers with one page; tells of the tenant it was called for."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}

    async def get(self, _: bytes, context: Any) -> bytes:
        self.metadata = dict(context.invocation_metadata())
        await context.send_initial_metadata([("x-page", "7")])
        return TOKEN


async def answer(
    folder: Path, *options: str, method: str = "GET", path: str = "/page", **request: Any
) -> httpx.Response:
    async with gateway_of(PROTO, folder, *options, Get=Service().get) as gateway, httpx.AsyncClient() as client:
        return await client.request(method, gateway.url + path, **request)


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ((), {"pageToken": "t"}),
        (("--proto-field-names",), {"page_token": "t"}),
        (("--print-zero-values",), {"pageToken": "t", "size": 0, "items": []}),
    ],
)
async def test_the_shape_of_answers(options: tuple[str, ...], body: Any, tmp_path: Path) -> None:
    assert (await answer(tmp_path, *options)).json() == body


@pytest.mark.parametrize(("options", "status"), [((), 400), (("--unknown-query", "ignore"), 200)])
async def test_query_keys_that_name_no_field(options: tuple[str, ...], status: int, tmp_path: Path) -> None:
    assert (await answer(tmp_path, *options, path="/page?api-version=2")).status_code == status


@pytest.mark.parametrize(("options", "status"), [((), 400), (("--unknown-fields", "ignore"), 200)])
async def test_members_that_no_field_has(options: tuple[str, ...], status: int, tmp_path: Path) -> None:
    assert (await answer(tmp_path, *options, method="POST", json={"colour": "red"})).status_code == status


async def test_the_shape_of_errors(tmp_path: Path) -> None:
    error = (await answer(tmp_path, path="/page?size=x")).json()
    bare = (await answer(tmp_path, "--error-body", "status", path="/page?size=x")).json()
    assert error["error"]["code"] == 400
    assert bare == {"code": 3, "message": error["error"]["message"], "details": error["error"]["details"]}


async def test_headers_in_and_out_go_by_their_own_names_where_told(tmp_path: Path) -> None:
    service = Service()
    options = ("--forward-header", "X-Tenant", "--expose-metadata", "X-Page")
    async with gateway_of(PROTO, tmp_path, *options, Get=service.get) as gateway, httpx.AsyncClient() as client:
        found = await client.get(f"{gateway.url}/page", headers={"x-tenant": "a", "x-other": "b"})
    assert service.metadata["x-tenant"] == "a"
    assert "x-other" not in service.metadata
    assert found.headers["x-page"] == "7"
    assert "grpc-metadata-x-page" not in found.headers


async def test_headers_in_and_out_otherwise(tmp_path: Path) -> None:
    service = Service()
    async with gateway_of(PROTO, tmp_path, Get=service.get) as gateway, httpx.AsyncClient() as client:
        found = await client.get(f"{gateway.url}/page", headers={"x-tenant": "a", "grpc-metadata-x-tenant": "b"})
    assert service.metadata["x-tenant"] == "b"
    assert found.headers["grpc-metadata-x-page"] == "7"
    assert "x-page" not in found.headers


async def test_the_document_tells_of_what_is_served_as_it_is_served(tmp_path: Path) -> None:
    document = (await answer(tmp_path, "--proto-field-names", path="/openapi.json")).json()
    assert set(document["paths"]) == {"/page"}
    assert "page_token" in str(document["components"]["schemas"])
