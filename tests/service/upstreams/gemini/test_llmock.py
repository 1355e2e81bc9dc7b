"""The Gemini adapter against llmock, a server nobody here wrote, with scripted faults."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import orjson
import pytest
from modelwire_service.errors import (
    ServiceError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.adapter import GeminiUpstream
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import HttpClient, Request, Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from support.llmock_server import llmock_listening

MESSAGES: list[Json] = [
    {"role": "system", "content": "S"},
    {"role": "user", "content": "Say something of some length."},
]
REQUEST: Json = {"model": "gemini-2.5-pro", "messages": MESSAGES}
TIMEOUTS = Timeouts(connect=5, first_byte=10, idle=0.5)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with llmock_listening() as url:
        yield url


@pytest.fixture(params=[AiohttpClient, HttpxClient])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[HttpClient]:
    made: HttpClient = request.param(TIMEOUTS)
    yield made
    await made.aclose()


@pytest.fixture
async def upstream(url: str, client: HttpClient) -> GeminiUpstream:
    await (await client.send(Request("POST", url + "/_llmock/reset"))).aclose()
    return GeminiUpstream("llmock", base_url=url + "/gemini", api_key="mock-key", client=client)


@pytest.fixture
def script(url: str, client: HttpClient) -> Callable[..., Any]:
    async def queue(**behavior: Any) -> None:
        body = orjson.dumps({"behaviors": [behavior]})
        response = await client.send(Request("POST", url + "/_llmock/scenario", {}, body))
        assert response.status == 201
        await response.aclose()

    return queue


async def streamed(upstream: GeminiUpstream) -> list[Json]:
    return [chunk async for batch in upstream.stream_chat(REQUEST) for chunk in batch]


async def test_a_chat_is_answered(upstream: GeminiUpstream) -> None:
    completion = await upstream.chat(REQUEST)
    assert completion["choices"][0]["message"]["content"]
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["usage"]["total_tokens"] > 0


async def test_a_stream_ends_with_its_reason_and_usage(upstream: GeminiUpstream) -> None:
    chunks = await streamed(upstream)
    assert [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]][-1] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] > 0


async def test_models_are_listed(upstream: GeminiUpstream) -> None:
    assert "models/gemini-2.5-pro" in [model.id for model in await upstream.list_models()]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_scripted_429_is_refused_with_its_wait(
    upstream: GeminiUpstream, script: Callable[..., Any], stream: bool
) -> None:
    await script(type="fail", status=429, retry_after=7)
    with pytest.raises(UpstreamRefused) as caught:
        await (streamed(upstream) if stream else upstream.chat(REQUEST))
    assert (caught.value.http_status, caught.value.retry_after) == (429, 7)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("truncate", UpstreamProtocolError),
        ("malformed", UpstreamProtocolError),
        ("disconnect", UpstreamUnavailable),
        ("stall", UpstreamTimeout),
    ],
)
async def test_a_fault_within_a_stream_is_told_for_what_it_is(
    upstream: GeminiUpstream, script: Callable[..., Any], fault: str, kind: type[ServiceError]
) -> None:
    await script(type="stream_fault", kind=fault, after_chunks=2, stall_seconds=3)
    with pytest.raises(ServiceError) as caught:
        await streamed(upstream)
    assert type(caught.value) is kind
    assert await streamed(upstream)
