"""The official Python client in conversation over either kind of upstream.

Runs in two interpreters, so it imports nothing of modelwire: here with the newest client, over both backends, and in
an environment of its own with the major version before.
"""

import json
from collections.abc import AsyncIterator
from typing import Any, Literal

import openai
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

CELSIUS = {"Oslo": 4, "Lima": 19}
QUESTION: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is it warmer?"}]
EITHER_WAY = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


class Weather(BaseModel):
    """Tells the weather of a city."""

    city: str


class Verdict(BaseModel):
    """What a reply must parse to."""

    reason: str
    mood: Literal["good", "bad"]


@pytest.fixture
async def client(talk_url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=talk_url, api_key="none", max_retries=0, timeout=30) as client:
        yield client


async def reply_to(client: AsyncOpenAI, streamed: bool, **asked: Any) -> Any:
    """The parsed reply, by the client's helper for streams or the one for plain replies."""
    if not streamed:
        return await client.chat.completions.parse(**asked)
    async with client.chat.completions.stream(**asked) as stream:
        return await stream.get_final_completion()


@EITHER_WAY
async def test_two_parallel_calls_are_made_and_their_results_told(
    client: AsyncOpenAI, talk_model: str, streamed: bool
) -> None:
    tools = [openai.pydantic_function_tool(Weather, name="get_weather")]
    asked: dict[str, Any] = {"model": talk_model, "tools": tools}
    [choice] = (await reply_to(client, streamed, **asked, messages=QUESTION)).choices
    calls = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert [call.function.parsed_arguments for call in calls] == [Weather(city="Oslo"), Weather(city="Lima")]
    told = [
        {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"celsius": CELSIUS[call_city(call)]})}
        for call in reversed(calls)
    ]
    spoken = choice.message.model_dump(exclude_none=True, exclude={"parsed"})
    [choice] = (await reply_to(client, streamed, **asked, messages=[*QUESTION, spoken, *told])).choices
    assert (choice.finish_reason, choice.message.content) == ("stop", "Oslo: 4. Lima: 19. ")


def call_city(call: Any) -> str:
    city: str = json.loads(call.function.arguments)["city"]
    return city


@EITHER_WAY
async def test_a_reply_of_a_schema_parses(client: AsyncOpenAI, talk_model: str, streamed: bool) -> None:
    reply = await reply_to(client, streamed, model=talk_model, messages=QUESTION, response_format=Verdict)
    assert reply.choices[0].message.parsed == Verdict(reason="sun", mood="good")
    assert reply.choices[0].finish_reason == "stop"


async def test_a_stream_tells_its_usage_at_the_end(client: AsyncOpenAI, talk_model: str) -> None:
    asked: dict[str, Any] = {"model": talk_model, "messages": QUESTION, "stream_options": {"include_usage": True}}
    *chunks, last = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello."
    assert {chunk.usage for chunk in chunks} == {None}
    assert (last.choices, last.usage.prompt_tokens, last.usage.completion_tokens) == ([], 3, 2)


async def test_the_stream_helper_tells_what_happens_as_it_happens(client: AsyncOpenAI, talk_model: str) -> None:
    asked: dict[str, Any] = {"model": talk_model, "messages": QUESTION, "response_format": Verdict}
    async with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
        events = [event async for event in stream]
        usage = (await stream.get_final_completion()).usage
    deltas = [event.delta for event in events if event.type == "content.delta"]
    assert "".join(deltas) == '{"reason": "sun", "mood": "good"}'
    assert [event.type for event in events if event.type == "content.done"] == ["content.done"]
    assert usage is not None
    assert usage.total_tokens == 5
