"""An OpenAI-compatible upstream on a real port that does what a test tells it, and remembers what it saw."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

Answer = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


class ScriptedUpstream:
    """Answers chat and embeddings by `answer`; lists `models`. `called` is set by the first call,
    `left` when a caller closes early."""

    def __init__(self, *models: str) -> None:
        self.models = list(models or ["scripted"])
        self.answer: Answer = answer_json(COMPLETION)
        self.seen: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.called = asyncio.Event()
        self.left = asyncio.Event()
        self.url = ""
        self.stop: Callable[[], Awaitable[None]]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["ScriptedUpstream"]:
        app = web.Application(client_max_size=2**30)
        app.router.add_get("/v1/models", self._list)
        app.router.add_post("/v1/{call:.*}", self._call)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        self.stop = runner.cleanup
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _list(self, _: web.Request) -> web.Response:
        data = [{"id": model, "object": "model", "created": 1, "owned_by": "tests"} for model in self.models]
        return web.json_response({"object": "list", "data": data})

    async def _call(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.bodies.append(body)
        self.seen.append(orjson.loads(body))
        self.headers.append(dict(request.headers))
        self.called.set()
        try:
            return await self.answer(request, self.seen[-1])
        except (asyncio.CancelledError, ConnectionResetError):
            self.left.set()
            raise


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

    async def answer(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for index, event in enumerate(events):
            if before_each is not None:
                await before_each(index)
            await response.write(event if isinstance(event, bytes) else b"data: " + orjson.dumps(event) + b"\n\n")
        return response

    return answer


def answer_never() -> Answer:
    async def answer(_: web.Request, __: dict[str, Any]) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return answer


DONE = b"data: [DONE]\n\n"
