"""The adapter against a real llama-server with a real model."""

from collections.abc import AsyncIterator

import pytest
from modelwire_service.errors import UpstreamRefused
from modelwire_service.upstreams.embedded.chat_process import ChatProcess
from modelwire_service.upstreams.embedded.packages import CHAT_WEIGHTS, weights_path
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream
from modelwire_service.upstreams.text_runs import chunks_in

REQUEST = {"model": "any", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 6, "seed": 1}


@pytest.fixture
async def llama_server() -> AsyncIterator[OpenAIUpstream]:
    process = ChatProcess(weights_path(CHAT_WEIGHTS))
    address = await process.ensure_running()
    upstream = OpenAIUpstream("llama", base_url=address.base_url, api_key=address.key, client=AiohttpClient(Timeouts()))
    try:
        yield upstream
    finally:
        await upstream.close()
        await process.close()


async def test_chat_stream_models_and_refusal(llama_server: OpenAIUpstream) -> None:
    whole = await llama_server.chat(dict(REQUEST))
    assert whole["choices"][0]["message"]["content"]
    assert whole["usage"]["completion_tokens"] <= 6

    chunks = [chunk async for batch in llama_server.stream_chat(dict(REQUEST)) for chunk in chunks_in(batch)]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]

    assert len(await llama_server.list_models()) == 1

    with pytest.raises(UpstreamRefused) as refused:
        await llama_server.chat({**REQUEST, "messages": [{"role": "user", "content": "word " * 9000}]})
    assert refused.value.http_status == 400
