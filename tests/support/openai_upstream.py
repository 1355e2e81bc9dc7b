"""Kind `openai` over scripted responses, and what such responses are made of."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream
from modelwire_service.upstreams.text_runs import chunks_in

BASE_URL = "https://llm.example.net:8443/v1"
KEY = "sk-planted-0123456789"
REQUEST: Json = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
SSE = {"content-type": "text/event-stream"}

Handler = Callable[[httpx.Request], httpx.Response]


def upstream_of(handler: Handler, **options: Any) -> OpenAIUpstream:
    client = HttpxClient(Timeouts(connect=5, first_byte=5, idle=5), httpx.MockTransport(handler))
    return OpenAIUpstream("mock", **{"base_url": BASE_URL, "api_key": KEY, "client": client, **options})


def always(response: Callable[[], httpx.Response]) -> OpenAIUpstream:
    return upstream_of(lambda _: response())


def streaming(body: bytes) -> OpenAIUpstream:
    """An upstream that answers every call with this event stream."""
    return always(lambda: httpx.Response(200, headers=SSE, content=body))


async def streamed(upstream: OpenAIUpstream, request: Json = REQUEST) -> list[Json]:
    return [chunk async for batch in upstream.stream_chat(request) for chunk in chunks_in(batch)]


async def ask(upstream: OpenAIUpstream, *, stream: bool) -> None:
    """A call for whose failure alone a test waits."""
    await (streamed(upstream) if stream else upstream.chat(REQUEST))


def events(*data: Any, done: bool = True) -> bytes:
    texts = [item if isinstance(item, bytes) else orjson.dumps(item) for item in data]
    return b"".join(b"data: %s\n\n" % text for text in [*texts, *([b"[DONE]"] if done else [])])


def delta(content: str | None = None, finish: str | None = None, index: int = 0, **fields: Any) -> Json:
    told = {} if content is None else {"content": content}
    return {"id": "c1", "choices": [{"index": index, "delta": {**told, **fields}, "finish_reason": finish}]}


COMPLETION: Json = {
    "id": "c1",
    "object": "chat.completion",
    "created": 5,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
