"""The upstream that tours go to: the models they ask for, which say what follows from the request alone."""

import asyncio
from typing import Any, Final

import orjson
from aiohttp import web
from support.scripted_upstream import COMPLETION, DONE, ScriptedUpstream, answer_events, answer_json, chunk

CHAT_MODEL: Final = "smollm2-135m-instruct"
EMBEDDING_MODEL: Final = "all-minilm-l6-v2"
GREETING: Final = ("Hello.", "\n", "Nice to meet you.")
CALL: Final = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
MORE_THAN_CLIENTS_TAKE_UNASKED: Final = "Hm. " * 2**20
"""Thoughts of 4 MiB, which with what stands beside them are more than a client's limit, unless it is raised."""


class TouredUpstream(ScriptedUpstream):
    """Greets, calls a tool, tells what the tool found, embeds. Stories have no end: `stories` has one event for each
    that was asked for, set once whoever asked has left.
    """

    def __init__(self) -> None:
        super().__init__(CHAT_MODEL, EMBEDDING_MODEL)
        self.answer = self._answer
        self.stories: list[asyncio.Event] = []

    async def _answer(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if request.path.endswith("/embeddings"):
            assert body["model"] == EMBEDDING_MODEL
            return await answer_json(_embeddings(body["input"]))(request, body)
        assert body["model"] == CHAT_MODEL
        last = body["messages"][-1]
        if "story" in last["content"]:
            return await self._story(request, body)
        if last["role"] == "tool":
            return await answer_json(_said(_told(body["messages"])))(request, body)
        if body.get("tools"):
            return await answer_json(_calling(body))(request, body)
        return await _greet(request, body)

    async def _story(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        left = asyncio.Event()
        self.stories.append(left)
        try:
            if body.get("stream"):
                return await answer_events(chunk("Once"), DONE, before_each=_wait_after_the_first)(request, body)
            await asyncio.Event().wait()
            raise AssertionError
        finally:
            left.set()


async def _wait_after_the_first(index: int) -> None:
    if index:
        await asyncio.Event().wait()


async def _greet(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    if body.get("stream"):
        return await answer_events(*(chunk(text) for text in GREETING), chunk(finish="stop"), DONE)(request, body)
    said = _said("".join(GREETING), reasoning_content=MORE_THAN_CLIENTS_TAKE_UNASKED)
    return await answer_json(said)(request, body)


def _said(text: str | None, finish: str = "stop", **members: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, **members}
    return {**COMPLETION, "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def _calling(body: dict[str, Any]) -> dict[str, Any]:
    [tool] = body["tools"]
    assert tool["function"]["parameters"]["required"] == ["city"]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    return _said(None, "tool_calls", tool_calls=[CALL])


def _told(messages: list[dict[str, Any]]) -> str:
    """What the result of the call comes to, if the conversation has both."""
    _, asked, answered = messages
    assert asked["tool_calls"] == [CALL]
    assert answered["tool_call_id"] == CALL["id"]
    return f"It is {orjson.loads(answered['content'])['celsius']} degrees in Paris."


def _embeddings(inputs: list[str]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": index, "embedding": [0.5] * 384} for index in range(len(inputs))]
    return {"object": "list", "model": EMBEDDING_MODEL, "data": data, "usage": {"prompt_tokens": 2, "total_tokens": 2}}
