"""What pages of other origins get from the real program, as their browsers would ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from support.programs import Program, running
from support.scripted_upstream import DONE, ScriptedUpstream, answer_events, chunk

FREE = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
PAGE, OTHER = "https://page.example", "https://other.example"
CHAT = "/v1/chat/completions"
REQUEST: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]}


@asynccontextmanager
async def page(server: Program, origin: str = PAGE) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, headers={"origin": origin}, timeout=30) as client:
        yield client


@pytest.fixture
def environment(upstream: ScriptedUpstream) -> dict[str, str]:
    return {"OPENAI_BASE_URL": upstream.url}


async def test_a_page_of_a_named_origin_may_read_every_answer(
    upstream: ScriptedUpstream, environment: dict[str, str]
) -> None:
    with running("serve", *FREE, "--cors-origin", PAGE, "--cors-origin", "http://a", environment=environment) as server:
        async with page(server) as client:
            answers = [
                await client.post(CHAT, json=REQUEST),
                await client.post(CHAT, json={**REQUEST, "temperature": 9}),
                await client.get("/nowhere"),
                await client.get(CHAT),
                await client.get("/readyz"),
                await client.get("/openapi.json"),
            ]
            await upstream.stop()
            answers.append(await client.post(CHAT, json=REQUEST))
    assert [answer.status_code for answer in answers] == [200, 400, 404, 405, 200, 200, 503]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "x-request-id" in answer.headers["access-control-expose-headers"].split(", ")
        assert "Origin" in answer.headers["vary"].split(", ")


async def test_a_page_reads_events_as_they_come(upstream: ScriptedUpstream, environment: dict[str, str]) -> None:
    upstream.answer = answer_events(chunk("Hello"), chunk(finish="stop"), DONE)
    with running("serve", *FREE, "--cors-origin", "*", environment=environment) as server:
        async with page(server) as client:
            answer = await client.post(CHAT, json={**REQUEST, "stream": True})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.content.endswith(DONE)


async def test_a_preflight_does_not_reach_the_service(upstream: ScriptedUpstream, environment: dict[str, str]) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    with running("serve", *FREE, "--cors-origin", PAGE, environment=environment) as server:
        async with page(server) as client:
            allowed = await client.options(CHAT, headers=asked)
            no_preflight = await client.options(CHAT)
        async with page(server, OTHER) as client:
            refused = await client.options(CHAT, headers=asked)
            unmarked = await client.post(CHAT, json=REQUEST)
    assert (allowed.status_code, refused.status_code) == (200, 400)
    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert allowed.headers["access-control-allow-headers"] == "authorization,content-type"
    assert allowed.headers["access-control-max-age"] == "600"
    assert no_preflight.status_code == 405
    assert unmarked.status_code == 200
    assert not {"access-control-allow-origin"} & (set(refused.headers) | set(unmarked.headers))
    assert len(upstream.seen) == 1


async def test_no_page_may_read_anything_unless_told_so(server: Program) -> None:
    async with page(server) as client:
        answer = await client.get("/v1/models")
        preflight = await client.options("/v1/models", headers={"access-control-request-method": "GET"})
    assert preflight.status_code == 405
    assert not [name for name in (*answer.headers, *preflight.headers) if name.startswith("access-control-")]


async def test_metadata_that_answers_have_as_headers_are_for_pages_too(environment: dict[str, str]) -> None:
    options = ("--cors-origin", PAGE, "--expose-metadata", "X-Model")
    variables = {**environment, "MODELWIRE_CORS_EXPOSED_HEADERS": "grpc-metadata-a", "MODELWIRE_CORS_CREDENTIALS": "1"}
    with running("serve", *FREE, *options, environment=variables) as server:
        async with page(server) as client:
            answer = await client.get("/healthz")
    limits = [f"x-ratelimit-{of}-{what}" for of in ("limit", "remaining", "reset") for what in ("requests", "tokens")]
    ours = ["x-request-id", "retry-after", "retry-after-ms", *limits, "x-should-retry"]
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert exposed == [*ours, "x-model", "grpc-metadata-a"]
    assert answer.headers["access-control-allow-credentials"] == "true"
