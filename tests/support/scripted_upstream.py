"""An OpenAI-compatible upstream on a real port that does what a test tells it, and remembers what it saw."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from aiohttp import web
from support.scripted_server import Answer, ScriptedServer, answer_framed


class ScriptedUpstream(ScriptedServer):
    """Answers chat and embeddings by `answer`; lists `models`. `seen` has the value of each call's body, `bodies` its
    bytes."""

    path = "/v1"

    def __init__(self, *models: str) -> None:
        super().__init__(answer_json(COMPLETION))
        self.models = list(models or ["scripted"])
        self.seen: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []

    def routes(self) -> Sequence[web.RouteDef]:
        return web.get("/v1/models", self._list), web.post("/v1/{call:.*}", self._call)

    async def _list(self, _: web.Request) -> web.Response:
        data = [{"id": model, "object": "model", "created": 1, "owned_by": "tests"} for model in self.models]
        return web.json_response({"object": "list", "data": data})

    async def _call(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.bodies.append(body)
        self.seen.append(orjson.loads(body))
        return await self.answered(request, self.seen[-1])


COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "scripted",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def chunk(content: str | None = None, *, finish: str | None = None, **members: Any) -> dict[str, Any]:
    """A chat.completion.chunk of one choice."""
    delta = {} if content is None else {"content": content}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "scripted"}
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **members}


def answer_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    async def answer(_: web.Request, __: dict[str, Any]) -> web.Response:
        return web.Response(body=orjson.dumps(value), status=status, headers=headers, content_type="application/json")

    return answer


def answer_events(*events: Any, before_each: Callable[[int], Awaitable[Any]] | None = None) -> Answer:
    """Streams `events` (JSON values, or bytes as they are); `before_each(i)` is awaited before the i-th."""
    return answer_framed(lambda event: b"data: " + orjson.dumps(event) + b"\n\n", events, before_each)


def answer_never() -> Answer:
    async def answer(_: web.Request, __: dict[str, Any]) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return answer


DONE = b"data: [DONE]\n\n"
