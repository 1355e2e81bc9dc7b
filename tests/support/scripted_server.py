"""What the scripted upstreams share: a real port, what they remember, and streams of events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from aiohttp import web

Answer = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


class ScriptedServer:
    """Answers calls by `answer`. `called` is set by the first call, `left` when a caller closes early; `headers` has
    those of each call.
    """

    path = ""
    """What its `url` ends with."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.headers: list[dict[str, str]] = []
        self.called = asyncio.Event()
        self.left = asyncio.Event()
        self.url = ""
        self.stop: Callable[[], Awaitable[None]]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        app = web.Application(client_max_size=2**30)
        app.add_routes(self.routes())
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}{self.path}"
        self.stop = runner.cleanup
        try:
            yield self
        finally:
            await runner.cleanup()

    def routes(self) -> Sequence[web.RouteDef]:
        raise NotImplementedError

    async def answered(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        self.called.set()
        try:
            return await self.answer(request, body)
        except (asyncio.CancelledError, ConnectionResetError):
            self.left.set()
            raise


def answer_framed(
    frame: Callable[[Any], bytes], events: Sequence[Any], before_each: Callable[[int], Awaitable[Any]] | None
) -> Answer:
    """Streams events, bytes as they are, others as `frame` has them; `before_each(i)` is awaited before the i-th."""

    async def answer(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for index, event in enumerate(events):
            if before_each is not None:
                await before_each(index)
            await response.write(event if isinstance(event, bytes) else frame(event))
        return response

    return answer
