"""Models whose names hold a slash, as clients ask for them."""

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI, NotFoundError
from openai.types import Model
from support.scripted_upstream import ScriptedUpstream
from support.stack import openai_settings, running_stack


@pytest.fixture
async def client(backend: str) -> AsyncIterator[AsyncOpenAI]:
    """In front of an upstream that serves `models/x`."""
    async with (
        ScriptedUpstream("models/x").listening() as upstream,
        running_stack(openai_settings(upstream.url)) as stack,
        AsyncOpenAI(base_url=f"{stack.url(backend)}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["models/models%2Fx", "models/models/x", "models/x"])
async def test_a_slash_is_read_in_every_spelling(client: AsyncOpenAI, path: str) -> None:
    model = await client.get(f"/{path}", cast_to=Model)
    assert (model.id, model.object) == ("models/x", "model")


async def test_the_client_retrieves_and_calls_by_either_name(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["models/x"]
    for name in ("models/x", "x"):
        assert (await client.models.retrieve(name)).id == "models/x"
        reply = await client.chat.completions.create(model=name, messages=[{"role": "user", "content": "Hi"}])
        assert reply.choices[0].message.content == "Hello."


async def test_an_unknown_name_with_a_slash_is_not_found(client: AsyncOpenAI) -> None:
    with pytest.raises(NotFoundError, match="models/y"):
        await client.models.retrieve("models/y")
