"""llama.cpp's own server, a real model behind it, as an upstream of kind `openai`, seen by OpenAI's client.

What the model says is never looked at, only the shape, and what its server enforces.
"""

from collections.abc import AsyncIterator
from typing import Any, Literal

import openai
import pytest
from modelwire_service.upstreams.embedded.chat_process import ChatProcess
from modelwire_service.upstreams.embedded.chat_worker import MODEL_ID
from modelwire_service.upstreams.embedded.packages import CHAT_WEIGHTS, weights_path
from openai import AsyncOpenAI
from pydantic import BaseModel
from support.stack import openai_settings, running_stack

SHORT: dict[str, Any] = {"model": MODEL_ID, "messages": [{"role": "user", "content": "Say hello."}], "seed": 1}


class Greeting(BaseModel):
    """What a reply must parse to."""

    language: Literal["English", "Norwegian"]


@pytest.fixture
async def client() -> AsyncIterator[AsyncOpenAI]:
    process = ChatProcess(weights_path(CHAT_WEIGHTS))
    try:
        address = await process.ensure_running()
        settings = openai_settings(address.base_url, "llama", api_key=address.key, profile="llama-server")
        async with (
            running_stack(settings) as stack,
            AsyncOpenAI(base_url=f"{stack.local_url}/v1", api_key="none", max_retries=0, timeout=60) as client,
        ):
            yield client
    finally:
        await process.close()


async def test_a_chat_a_stream_an_object_and_refusals(client: AsyncOpenAI) -> None:
    [model] = [model async for model in client.models.list()]
    assert model.id == MODEL_ID

    whole = await client.chat.completions.create(**SHORT, max_completion_tokens=6)
    [choice] = whole.choices
    assert (whole.object, choice.index, choice.message.role) == ("chat.completion", 0, "assistant")
    assert choice.finish_reason == "length"
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 6

    asked: dict[str, Any] = {**SHORT, "max_completion_tokens": 6, "stream_options": {"include_usage": True}}
    *chunks, last = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == choice.message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["length"]
    assert len({(chunk.id, chunk.created) for chunk in [*chunks, last]}) == 1
    assert (last.choices, last.usage.completion_tokens) == ([], 6)

    parsed = await client.chat.completions.parse(**SHORT, max_completion_tokens=48, response_format=Greeting)
    assert isinstance(parsed.choices[0].message.parsed, Greeting)

    with pytest.raises(openai.BadRequestError, match="context"):
        await client.chat.completions.create(**{**SHORT, "messages": [{"role": "user", "content": "word " * 9000}]})
    with pytest.raises(openai.BadRequestError, match="not supported by llama-server") as refused:
        await client.chat.completions.create(**SHORT, verbosity="low")
    assert refused.value.param == "verbosity"
