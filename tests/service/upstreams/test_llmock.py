"""The adapters against llmock, a server nobody here wrote, with scripted faults."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
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
from modelwire_service.upstreams.base import Json, Upstream
from modelwire_service.upstreams.gemini.adapter import GeminiUpstream
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import HttpClient, Request, Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.http.native.client import NativeClient
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream
from modelwire_service.upstreams.text_runs import chunks_in
from support.llmock_server import llmock_listening

ASKED: Json = {"role": "user", "content": "Say something of some length."}
TIMEOUTS = Timeouts(connect=5, first_byte=10, idle=0.5)


@dataclass(frozen=True, slots=True)
class Kind:
    """An adapter, the path at which llmock speaks its API, a chat for it and a model that is listed."""

    adapter: type[GeminiUpstream] | type[OpenAIUpstream]
    path: str
    request: Json
    listed: str


OPENAI = Kind(OpenAIUpstream, "/v1", {"model": "gpt-4o-mini", "messages": [ASKED]}, "gpt-4o-mini")
GEMINI = Kind(
    GeminiUpstream,
    "/gemini",
    {"model": "gemini-2.5-pro", "messages": [{"role": "system", "content": "S"}, ASKED]},
    "models/gemini-2.5-pro",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with llmock_listening() as url:
        yield url


@pytest.fixture(params=[AiohttpClient, HttpxClient, NativeClient])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[HttpClient]:
    made: HttpClient = request.param(TIMEOUTS)
    yield made
    await made.aclose()


@pytest.fixture(params=[OPENAI, GEMINI], ids=["openai", "gemini"])
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param
    return made


@pytest.fixture
async def upstream(url: str, client: HttpClient, kind: Kind) -> Upstream:
    await (await client.send(Request("POST", url + "/_llmock/reset"))).aclose()
    return kind.adapter("llmock", base_url=url + kind.path, api_key="mock-key", client=client)


@pytest.fixture
def script(url: str, client: HttpClient) -> Callable[..., Any]:
    async def queue(**behavior: Any) -> None:
        body = orjson.dumps({"behaviors": [behavior]})
        response = await client.send(Request("POST", url + "/_llmock/scenario", {}, body))
        assert response.status == 201
        await response.aclose()

    return queue


async def streamed(upstream: Upstream, kind: Kind) -> list[Json]:
    return [chunk async for batch in upstream.stream_chat(kind.request) for chunk in chunks_in(batch)]


async def test_a_chat_is_answered(upstream: Upstream, kind: Kind) -> None:
    completion = await upstream.chat(kind.request)
    assert completion["choices"][0]["message"]["content"]
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["usage"]["total_tokens"] > 0


async def test_a_stream_ends_with_its_reason_and_usage(upstream: Upstream, kind: Kind) -> None:
    chunks = await streamed(upstream, kind)
    assert [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]][-1] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("kind", [OPENAI], ids=["openai"])
async def test_embeddings_come_in_order(upstream: Upstream) -> None:
    found = await upstream.embed({"model": "text-embedding-3-small", "input": ["a", "b"]})
    assert [vector.shape for vector in found.vectors] == [(1536,), (1536,)]


async def test_models_are_listed(upstream: Upstream, kind: Kind) -> None:
    listed = [model.id for model in await upstream.list_models()]
    assert kind.listed in listed
    assert all(listed)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_scripted_429_is_refused_with_its_wait(
    upstream: Upstream, kind: Kind, script: Callable[..., Any], stream: bool
) -> None:
    await script(type="fail", status=429, retry_after=7)
    with pytest.raises(UpstreamRefused) as caught:
        await (streamed(upstream, kind) if stream else upstream.chat(kind.request))
    assert (caught.value.http_status, caught.value.retry_after) == (429, 7)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("truncate", UpstreamProtocolError),
        ("malformed", UpstreamProtocolError),
        ("disconnect", UpstreamUnavailable),
        ("stall", UpstreamTimeout),
    ],
)
async def test_a_fault_within_a_stream_is_told_for_what_it_is(
    upstream: Upstream, kind: Kind, script: Callable[..., Any], fault: str, cause: type[ServiceError]
) -> None:
    await script(type="stream_fault", kind=fault, after_chunks=2, stall_seconds=3)
    with pytest.raises(ServiceError) as caught:
        await streamed(upstream, kind)
    assert type(caught.value) is cause
    assert await streamed(upstream, kind)
