"""A server without keys: open on this machine, for its names alone, until the first key; closed to other machines."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio
from support.callers import DOORS
from support.commands import ended_by_itself, run
from support.guarded import FREE_PORTS, Guarded, answering, bearer, database_in, guarded, make_key
from support.programs import COMMAND, running
from support.raw_http import connected

pytestmark = pytest.mark.asyncio(loop_scope="session")

KNOWN_WITHIN = 1.0
"""Seconds from when a change is in the database to when no call is taken that it forbids."""
LIST_MODELS = "/modelwire.v1beta.ModelService/ListModels"
ELSEWHERE = {"grpc_address": ("--grpc-address", "0.0.0.0:0"), "http_address": ("--http-address", "0.0.0.0:0")}
NOBODY_BEHIND = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def open_programs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    async with guarded(tmp_path_factory.mktemp("open")) as programs:
        yield programs


@pytest.fixture
def unasked(open_programs: Guarded) -> Guarded:
    answering(open_programs.upstream)
    return open_programs


@pytest.mark.parametrize("door", DOORS)
async def test_without_keys_this_machine_is_let_in(door: str, unasked: Guarded) -> None:
    for headers in ({}, bearer("sk-whatever")):
        assert (await unasked.got(door, headers)).done


@pytest.mark.parametrize("door", DOORS[1:])
@pytest.mark.parametrize("path", ["/v1/models", "/healthz", "/openapi.json"])
async def test_a_page_that_calls_itself_this_machine_reads_nothing(door: str, path: str, unasked: Guarded) -> None:
    names = ("rebound.example", "127.0.0.1.rebound.example", "localhost.rebound.example:80", "10.0.0.1", "0.0.0.0")
    async with httpx.AsyncClient(base_url=unasked.url(door)) as http:
        answers = [await http.get(path, headers={"host": name}) for name in names]
        assert (await http.get(path)).status_code == 200
    assert [answer.status_code for answer in answers] == [421] * len(names)
    assert {answer.json()["error"]["details"][0]["reason"] for answer in answers} == {"HOST_NOT_ALLOWED"}


@pytest.mark.parametrize("door", DOORS[1:])
async def test_a_whole_url_in_the_request_is_no_way_around_that(door: str, unasked: Guarded) -> None:
    address = unasked.url(door).removeprefix("http://")
    for url, host, status in (
        ("rebound.example", "localhost", 400),
        ("localhost", "rebound.example", 400),
        ("localhost@rebound.example", "localhost", 400),
        ("rebound.example", "rebound.example", 421),
        ("LOCALHOST", "localhost", 200),
    ):
        async with connected(address) as client:
            await client.send(f"GET http://{url}/v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert (await client.answer()).status == status


async def test_the_grpc_door_speaks_nothing_that_a_page_can(unasked: Guarded) -> None:
    async with connected(unasked.serve.grpc_address) as client:
        await client.send(f"POST {LIST_MODELS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
        assert not (await client.rest()).startswith(b"HTTP/1.")


async def test_from_the_first_key_on_everybody_is_asked(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    with running("serve", "--database", database, *FREE_PORTS, environment=NOBODY_BEHIND) as program:
        async with (
            httpx.AsyncClient(base_url=program.url) as http,
            grpc.aio.insecure_channel(program.grpc_address) as channel,
        ):
            assert (await http.get("/v1/models")).status_code == 503
            key = run(COMMAND, "keys", "create", "first", "--database", database).strip()
            made = time.monotonic()
            while (await http.get("/v1/models")).status_code != 401:
                assert time.monotonic() < made + KNOWN_WITHIN
            assert (await http.get("/v1/models", headers=bearer(key))).status_code == 503
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await channel.unary_unary(LIST_MODELS)(b"")
            assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_revoked_key_is_revoked_at_every_server_of_the_database(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    key = make_key(database, "somebody")
    serve = ("serve", "--database", database, *FREE_PORTS)
    with (
        running(*serve, environment=NOBODY_BEHIND) as one,
        running(*serve, environment=NOBODY_BEHIND) as other,
    ):
        async with httpx.AsyncClient(headers=bearer(key)) as http:
            for program in (one, other):
                assert (await http.get(f"{program.url}/v1/models")).status_code == 503
            run(COMMAND, "keys", "revoke", "somebody", "--database", database)
            revoked = time.monotonic()
            for program in (one, other):
                while (await http.get(f"{program.url}/v1/models")).status_code != 401:
                    assert time.monotonic() < revoked + KNOWN_WITHIN


@pytest.mark.parametrize(("doors", "auth"), [(["grpc_address", "http_address"], "auto"), (["http_address"], "keys")])
async def test_a_door_to_other_machines_stays_shut_while_there_are_no_keys(
    doors: list[str], auth: str, tmp_path: Path
) -> None:
    where = [option for door in doors for option in ELSEWHERE[door]]
    ended = ended_by_itself(
        *(COMMAND, "serve", "--database", database_in(tmp_path), *FREE_PORTS, *where, "--auth", auth),
        variables=NOBODY_BEHIND,
    )
    assert ended.returncode == 1
    assert [line.split(":")[0].strip() for line in ended.stderr.splitlines()[1:]] == doors
    assert "modelwire keys create NAME" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("by", ["--auth none", "a key"])
async def test_it_opens_once_that_is_meant(by: str, tmp_path: Path) -> None:
    database = database_in(tmp_path)
    options = ["--auth", "none"] if by == "--auth none" else []
    key = "" if options else make_key(database)
    serve = ("serve", "--database", database, "--no-http", *ELSEWHERE["grpc_address"], *options)
    with running(*serve, environment=NOBODY_BEHIND) as program:
        port = program.grpc_address.rpartition(":")[2]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            codes = []
            for metadata in ((), (("authorization", f"Bearer {key}"),)):
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await channel.unary_unary(LIST_MODELS)(b"", metadata=metadata)
                codes.append(raised.value.code().name)
    assert codes == ["UNAVAILABLE" if options else "UNAUTHENTICATED", "UNAVAILABLE"]
