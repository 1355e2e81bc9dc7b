"""Texts into vectors: in batches, in order, of length 1 where cut short."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from modelwire_service.errors import InvalidRequest, UpstreamProtocolError, UpstreamRefused
from modelwire_service.upstreams.gemini.adapter import GeminiUpstream
from modelwire_service.upstreams.gemini.embeddings import MAX_CALLS_AT_ONCE, MAX_TEXTS_A_CALL
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import Timeouts
from support.scripted_gemini import KEY, ScriptedGemini, failure
from support.scripted_upstream import answer_json

MODEL = "models/gemini-embedding-001"


@pytest.fixture
async def upstream(gemini: ScriptedGemini) -> AsyncIterator[GeminiUpstream]:
    made = GeminiUpstream("g", base_url=gemini.url, api_key=KEY, client=AiohttpClient(Timeouts(first_byte=10)))
    yield made
    await made.close()


async def numbered(_: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Each text is a number, and its vector begins with it."""
    vectors = [{"values": [float(item["content"]["parts"][0]["text"]), 1.0]} for item in body["requests"]]
    return web.json_response({"embeddings": vectors, "usageMetadata": {"promptTokenCount": len(vectors)}})


async def test_one_content_a_text_for_the_model(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    gemini.answer = numbered
    embedded = await upstream.embed({"model": "gemini-embedding-001", "input": ["3", "4"], "user": "u"})
    assert gemini.seen == [
        (
            f"/v1beta/{MODEL}:batchEmbedContents",
            {"requests": [{"model": MODEL, "content": {"parts": [{"text": text}]}} for text in ("3", "4")]},
        )
    ]
    assert [vector.tolist() for vector in embedded.vectors] == [[3, 1], [4, 1]]
    assert (embedded.model, embedded.prompt_tokens, embedded.total_tokens) == ("gemini-embedding-001", 2, 2)


@pytest.mark.parametrize("count", [99, 100, 101, 250, 2048])
async def test_many_texts_go_in_batches_and_keep_their_order(
    upstream: GeminiUpstream, gemini: ScriptedGemini, count: int
) -> None:
    gemini.answer = numbered
    embedded = await upstream.embed({"model": MODEL, "input": [str(number) for number in range(count)]})
    assert [int(vector[0]) for vector in embedded.vectors] == list(range(count))
    sizes = sorted(len(body["requests"]) for _, body in gemini.seen)
    assert sum(sizes) == embedded.prompt_tokens == count
    assert sizes[-1] <= MAX_TEXTS_A_CALL
    assert len(sizes) == -(-count // MAX_TEXTS_A_CALL)


async def test_a_few_calls_are_under_way_at_once(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    under_way = most = 0
    full = asyncio.Event()

    async def counting(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == MAX_CALLS_AT_ONCE:
            full.set()
        await full.wait()
        answer = await numbered(request, body)
        under_way -= 1
        return answer

    gemini.answer = counting
    await upstream.embed({"model": MODEL, "input": ["1"] * (MAX_TEXTS_A_CALL * 9)})
    assert most == MAX_CALLS_AT_ONCE


async def test_the_first_failure_gives_up_the_others(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    async def failing(_: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if body["requests"][0]["content"]["parts"][0]["text"] == "bad":
            return web.json_response(failure(429, "RESOURCE_EXHAUSTED", "Slowly."), status=429)
        await asyncio.Event().wait()
        raise AssertionError

    gemini.answer = failing
    texts = ["good"] * MAX_TEXTS_A_CALL + ["bad"] * MAX_TEXTS_A_CALL
    with pytest.raises(UpstreamRefused, match="Slowly"):
        await upstream.embed({"model": MODEL, "input": texts})
    await gemini.left.wait()


async def test_vectors_cut_short_have_length_one(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    gemini.answer = answer_json({"embeddings": [{"values": [3, 4]}, {"values": [0, 0]}]})
    embedded = await upstream.embed({"model": MODEL, "input": ["a", "b"], "dimensions": 2})
    assert [item["outputDimensionality"] for item in gemini.last["requests"]] == [2, 2]
    assert np.allclose(embedded.vectors[0], [0.6, 0.8])
    assert embedded.vectors[1].tolist() == [0, 0]
    assert embedded.prompt_tokens is None


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"embeddings": 5},
        {"embeddings": []},
        {"embeddings": [{"values": [1]}, {"values": [1]}]},
        {"embeddings": [5]},
        {"embeddings": [{}]},
        {"embeddings": [{"values": []}]},
        {"embeddings": [{"values": ["x"]}]},
        {"embeddings": [{"values": [[1]]}]},
        {"embeddings": [{"values": [1, 2, 3]}]},
        {"embeddings": [{"values": [1, None]}]},
        {"embeddings": [{"values": [1, True]}]},
        {"embeddings": [{"values": [1, 1e300]}]},
        {"embeddings": [{"values": {"0": 1}}]},
    ],
)
async def test_vectors_nobody_can_read_are_a_protocol_error(
    upstream: GeminiUpstream, gemini: ScriptedGemini, answer: Any
) -> None:
    gemini.answer = answer_json(answer)
    with pytest.raises(UpstreamProtocolError):
        await upstream.embed({"model": MODEL, "input": ["a"], "dimensions": 2})


async def test_what_gemini_has_nothing_for_never_leaves(upstream: GeminiUpstream, gemini: ScriptedGemini) -> None:
    with pytest.raises(InvalidRequest, match="input_type: not supported by Gemini models"):
        await upstream.embed({"model": MODEL, "input": ["a"], "input_type": "query"})
    assert gemini.seen == []
