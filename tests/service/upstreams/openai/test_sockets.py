"""The OpenAI adapter over real sockets: who leaves is noticed at the upstream, and connections are used again."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from modelwire_service.errors import UpstreamUnavailable
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import HttpClient, Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.http.native.client import NativeClient
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream
from modelwire_service.upstreams.text_runs import count_in
from support.loopback import Peer, listening

CLOSED_WITHIN = 0.1
REQUEST: Json = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
LAST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.fixture(params=[AiohttpClient, HttpxClient, NativeClient])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[str], OpenAIUpstream]]:
    client: HttpClient = request.param(Timeouts(connect=5, first_byte=5, idle=5))
    upstream: list[OpenAIUpstream] = []

    def made(url: str) -> OpenAIUpstream:
        upstream.append(OpenAIUpstream("u", base_url=url, api_key="k", client=client))
        return upstream[0]

    yield made
    await upstream[0].close()


class Endless:
    """Sends `before`, then nothing; `closed` is set once the caller has gone."""

    def __init__(self, *before: bytes) -> None:
        self.before = before
        self.reached = asyncio.Event()
        self.closed = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        if self.before:
            await peer.start_chunked("content-type: text/event-stream")
        for data in self.before:
            await peer.chunk(data)
        self.reached.set()
        await peer.gone()
        self.closed.set()


async def test_closing_the_generator_closes_the_connection(connect: Callable[[str], OpenAIUpstream]) -> None:
    script = Endless(EVENT)
    async with listening(script) as server:
        stream = connect(server.url).stream_chat(REQUEST)
        assert len(await anext(stream)) == 1
        await stream.aclose()
        async with asyncio.timeout(CLOSED_WITHIN):
            await script.closed.wait()


@pytest.mark.parametrize("before", [(), (b": waiting\n\n",), (EVENT,)])
@pytest.mark.parametrize("stream", [False, True])
async def test_cancelling_a_call_closes_the_connection(
    connect: Callable[[str], OpenAIUpstream], before: tuple[bytes, ...], stream: bool
) -> None:
    script = Endless(*before)

    async def caller(upstream: OpenAIUpstream) -> None:
        if not stream:
            await upstream.chat(REQUEST)
        async for _ in upstream.stream_chat(REQUEST):
            pass

    async with listening(script) as server:
        task = asyncio.create_task(caller(connect(server.url)))
        await script.reached.wait()
        await asyncio.wait([task], timeout=0.05)
        task.cancel()
        async with asyncio.timeout(CLOSED_WITHIN):
            await script.closed.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_finished_stream_leaves_its_connection_usable(connect: Callable[[str], OpenAIUpstream]) -> None:
    async def serve(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.start_chunked("content-type: text/event-stream")
            await peer.chunk(EVENT + LAST)
            await peer.write(b"0\r\n\r\n")

    async with listening(serve) as server:
        upstream = connect(server.url)
        for _ in range(3):
            assert sum([count_in(batch) async for batch in upstream.stream_chat(REQUEST)]) == 2
    assert server.connections == 1


async def test_a_server_that_keeps_the_connection_after_done_does_not_keep_the_caller(
    connect: Callable[[str], OpenAIUpstream],
) -> None:
    script = Endless(EVENT, LAST)
    async with listening(script) as server, asyncio.timeout(3):
        batches = [batch async for batch in connect(server.url).stream_chat(REQUEST)]
        await script.closed.wait()
    assert sum(map(count_in, batches)) == 2


async def test_an_event_is_delivered_before_the_next_exists(connect: Callable[[str], OpenAIUpstream]) -> None:
    received = asyncio.Semaphore(0)

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.start_chunked("content-type: text/event-stream")
        for _ in range(3):
            await peer.chunk(EVENT)
            await received.acquire()
        await peer.chunk(LAST)
        await peer.write(b"0\r\n\r\n")

    async with listening(serve) as server, asyncio.timeout(5):
        async for _ in connect(server.url).stream_chat(REQUEST):
            received.release()


async def test_a_broken_stream_is_an_error_after_its_chunks(connect: Callable[[str], OpenAIUpstream]) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.start_chunked("content-type: text/event-stream")
        await peer.chunk(EVENT)

    async with listening(serve) as server:
        stream = connect(server.url).stream_chat(REQUEST)
        assert len(await anext(stream)) == 1
        with pytest.raises(UpstreamUnavailable) as caught:
            await anext(stream)
    assert caught.value.sent
