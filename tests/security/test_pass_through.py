"""With `--auth pass-through` a caller's key goes to the upstream, and is nowhere else to be found."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio
from aiohttp import web
from support.callers import DOORS, Asked, Kind
from support.commands import ended_by_itself
from support.guarded import FREE_PORTS, Guarded, answering, bearer, database_in, guarded
from support.programs import COMMAND
from support.scripted_upstream import answer_json

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEYS = {door: f"sk-planted-caller-{at}-0123456789" for at, door in enumerate(DOORS)}
KINDS: tuple[Kind, ...] = ("unary", "stream", "embeddings")
REST = DOORS[1:]
KEPT = re.compile(rb"ChatCompletions")
"""What the database holds once a call is kept."""
OWN = {"OPENAI_API_KEY": ""}
"""The upstream has no key of its own."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def passing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    options = ("--auth", "pass-through", "--log-level", "debug")
    async with guarded(tmp_path_factory.mktemp("passing"), *options, environment=OWN) as programs:
        yield programs


@pytest.fixture
def through(passing: Guarded) -> Guarded:
    answering(passing.upstream)
    return passing


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("header", ["authorization", "x-goog-api-key"])
async def test_the_callers_key_is_that_of_the_request_upstream(door: str, header: str, through: Guarded) -> None:
    key = KEYS[door]
    for kind in KINDS:
        got = await through.got(
            door, bearer(key) if header == "authorization" else {header: key}, Asked(kind, "cheap-1")
        )
        assert (got.done, got.failure) == (True, None)
    sent = through.upstream.headers
    assert [headers.get("Authorization") for headers in sent] == [f"Bearer {key}"] * len(KINDS)
    assert not [name for headers in sent for name in headers if name.lower() == "x-goog-api-key"]


@pytest.mark.parametrize("door", REST)
async def test_one_callers_key_is_never_anothers(door: str, through: Guarded) -> None:
    for key in ("sk-first-caller-0123456789", "sk-other-caller-0123456789"):
        async with openai.AsyncOpenAI(base_url=f"{through.url(door)}/v1", api_key=key, max_retries=0) as client:
            await client.chat.completions.create(model="cheap-1", messages=[{"role": "user", "content": "Hi"}])
        assert through.upstream.headers[-1]["Authorization"] == f"Bearer {key}"


@pytest.mark.parametrize("door", DOORS)
async def test_who_brings_no_key_is_not_let_in(door: str, through: Guarded) -> None:
    failure = (await through.got(door, {})).failure
    assert failure is not None
    assert (failure.code, "your own key" in failure.message) == ("UNAUTHENTICATED", True)
    assert not through.upstream.seen


@pytest.mark.parametrize("door", REST)
async def test_two_keys_are_a_400_here_too(door: str, through: Guarded) -> None:
    async with httpx.AsyncClient(base_url=through.url(door), headers=bearer(KEYS[door])) as http:
        answer = await http.get("/v1/models", params={"key": KEYS[door]})
    assert answer.status_code == 400
    assert KEYS[door] not in answer.text


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", KINDS)
async def test_an_upstream_that_tells_the_key_is_not_repeated(door: str, kind: Kind, through: Guarded) -> None:
    async def telling(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        told = f"no such key: {request.headers.get('authorization')}, {KEYS[door]}"
        return await answer_json({"error": {"message": told, "param": KEYS[door]}}, 401)(request, body)

    through.upstream.answer = telling
    failure = (await through.got(door, bearer(KEYS[door]), Asked(kind, "cheap-1"))).failure
    assert failure is not None
    assert (failure.code, KEYS[door] in str(failure)) == ("UNAUTHENTICATED", False)


async def test_the_keys_are_neither_in_logs_nor_in_the_database(through: Guarded) -> None:
    for door, key in KEYS.items():
        await through.got(door, bearer(key))
    kept = b""
    while KEPT.search(kept) is None:  # written half a second after the calls
        kept = b"".join(path.read_bytes() for path in through.folder.glob("modelwire.db*"))
    logged = through.logged()
    assert "cheap-1" in logged
    for key in KEYS.values():
        assert key not in logged
        assert key.encode() not in kept


async def test_an_upstream_with_a_key_of_its_own_is_no_gift_to_other_machines(tmp_path: Path) -> None:
    where = ("--database", database_in(tmp_path), *FREE_PORTS, "--http-address", "0.0.0.0:0")
    variables = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "sk-the-operators-own"}
    ended = ended_by_itself("timeout", "5", COMMAND, "serve", *where, "--auth", "pass-through", variables=variables)
    assert ended.returncode == 1
    assert "openai" in ended.stderr
    assert "sk-the-operators-own" not in ended.stderr
