"""The same conversation over upstreams of each kind: answers of the same shapes, by one schema, over either backend.

The bodies are read as they come: clients make up for members that are missing.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from support.conversing import Kind, conversing
from support.openai_answers import broken_off, chunks_of, completion_of, error_of
from support.programs import Program
from support.scripted_gemini import answer_stream, candidate, failure
from support.scripted_upstream import answer_events, chunk

CHAT = "/v1/chat/completions"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Oslo", "Lima"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Of a city.", "parameters": CITY}}
FORCED = {"tools": [TOOL], "tool_choice": "required"}
AS_JSON = {"response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}}
EITHER_WAY = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


@dataclass(frozen=True)
class Talk:
    """A model to talk to, over whatever kind of upstream."""

    http: httpx.AsyncClient
    model: str

    async def ask(self, **fields: Any) -> httpx.Response:
        question = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is it warmer?"}]
        short = {"max_tokens": 48, "temperature": 0, "seed": 1}
        return await self.http.post(CHAT, json={"model": self.model, "messages": question, **short, **fields})


@pytest.fixture(params=["gemini", "openai", "embedded"])
async def talk(request: pytest.FixtureRequest, backend: str) -> AsyncIterator[Talk]:
    if request.param == "embedded":
        program: Program = request.getfixturevalue("server" if backend == "local" else "remote_gateway")
        async with httpx.AsyncClient(base_url=program.url, timeout=60) as http:
            yield Talk(http, "smollm2-135m-instruct")
        return
    async with (
        conversing(request.param) as conversation,
        httpx.AsyncClient(base_url=conversation.stack.url(backend), timeout=30) as http,
    ):
        yield Talk(http, conversation.model)


async def test_a_reply(talk: Talk) -> None:
    answer = completion_of((await talk.ask()).content)
    [choice] = answer["choices"]
    assert (choice["index"], choice["finish_reason"] in ("stop", "length")) == (0, True)
    assert choice["message"]["content"]
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]


@pytest.mark.parametrize("with_usage", [False, True])
async def test_a_streamed_reply(talk: Talk, with_usage: bool) -> None:
    response = await talk.ask(stream=True, stream_options={"include_usage": with_usage})
    assert response.headers["content-type"] == "text/event-stream"
    chunks = chunks_of(response.content)
    assert ["usage" in chunk for chunk in chunks] == [with_usage] * len(chunks)
    assert [chunk["choices"] == [] for chunk in chunks] == [False] * (len(chunks) - 1) + [with_usage]
    assert "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


@EITHER_WAY
async def test_a_tool_call(talk: Talk, streamed: bool) -> None:
    response = await talk.ask(**FORCED, stream=streamed)
    if streamed:
        chunks = [chunk["choices"][0] for chunk in chunks_of(response.content)]
        names = [call["function"].get("name") for chunk in chunks for call in chunk["delta"].get("tool_calls", ())]
        assert set(names) <= {"get_weather", None}
        assert names[0] == "get_weather"
        assert chunks[-1]["finish_reason"] == "tool_calls"
    else:
        [choice] = completion_of(response.content)["choices"]
        assert {call["function"]["name"] for call in choice["message"]["tool_calls"]} == {"get_weather"}
        assert (choice["message"]["content"], choice["finish_reason"]) == (None, "tool_calls")


@EITHER_WAY
async def test_a_reply_of_a_schema(talk: Talk, streamed: bool) -> None:
    response = await talk.ask(**AS_JSON, stream=streamed)
    if streamed:
        said = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks_of(response.content)]
        assert "".join(said).lstrip().startswith("{")
    else:
        [choice] = completion_of(response.content)["choices"]
        assert choice["message"]["content"].lstrip().startswith("{")


@EITHER_WAY
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"model": "no-such"}, (404, "NOT_FOUND", "model")),
        ({"temperature": 3}, (400, "INVALID_ARGUMENT", "temperature")),
        ({"messages": [{"role": "robot", "content": "Hi"}]}, (400, "INVALID_ARGUMENT", "messages[0].role")),
    ],
    ids=["unknown model", "out of bounds", "bad role"],
)
async def test_an_error(talk: Talk, streamed: bool, wrong: dict[str, Any], told: tuple[int, str, str]) -> None:
    response = await talk.ask(**wrong, stream=streamed)
    error = error_of(response.content)
    assert (response.status_code, error["status"], error["param"]) == told
    assert error["code"] == response.status_code


@pytest.mark.parametrize("kind", ["gemini", "openai"])
async def test_an_error_in_mid_stream(kind: Kind, backend: str) -> None:
    overloaded = failure(503, "UNAVAILABLE", "Overloaded.")
    answers = {
        "gemini": answer_stream(candidate({"text": "Hel"}), overloaded),
        "openai": answer_events(chunk("Hel"), overloaded),
    }
    async with conversing(kind) as conversation:
        conversation.upstream.answer = answers[kind]
        async with httpx.AsyncClient(base_url=conversation.stack.url(backend), timeout=30) as http:
            response = await Talk(http, conversation.model).ask(stream=True)
    chunks, error = broken_off(response.content)
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [{"role": "assistant", "content": "Hel"}]
    assert (error["code"], error["status"]) == (503, "UNAVAILABLE")
    assert "Overloaded." in error["message"]
