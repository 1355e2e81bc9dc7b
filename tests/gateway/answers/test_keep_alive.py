"""Comments on silent event streams: between events alone, and never while a piece is written."""

import asyncio

from modelwire_gateway.answers.keep_alive import COMMENT, KeepAlive
from modelwire_gateway.exchange import Exchange, Message
from support.asgi_calls import AsgiCall
from support.raw_http import PATIENCE


class Reader(AsgiCall):
    """Takes what is written, when it may, and tells each piece."""

    def __init__(self) -> None:
        super().__init__("GET", "/")
        self.taken: asyncio.Queue[bytes] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()

    async def send(self, message: Message) -> None:
        await self.reads.wait()
        self.taken.put_nowait(message["body"])

    async def next(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.taken.get()

    def kept_alive(self, seconds: float) -> KeepAlive:
        return KeepAlive(Exchange(self.scope, self.receive, self.send), seconds)


async def test_a_silent_stream_has_a_comment_again_and_again() -> None:
    reader = Reader()
    with reader.kept_alive(0.01) as events:
        await events.write(b"data: 1\n\n")
        assert [await reader.next() for _ in range(4)] == [b"data: 1\n\n", COMMENT, COMMENT, COMMENT]
        await events.write(b"data: 2\n\n")
        seen = [await reader.next()]
        while seen[-1] == COMMENT:  # one may have come just before
            seen.append(await reader.next())
        assert seen[-1] == b"data: 2\n\n"


async def test_nothing_is_written_within_an_event() -> None:
    reader = Reader()
    with reader.kept_alive(0.01) as events:
        await events.write(b"data: half")
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, later.set)
        await later.wait()
        await events.write(b" of it\n\n")
        assert [await reader.next() for _ in range(3)] == [b"data: half", b" of it\n\n", COMMENT]


async def test_a_comment_that_waits_for_its_reader_goes_before_the_next_piece() -> None:
    reader = Reader()
    with reader.kept_alive(0.01) as events:
        await events.write(b"data: 1\n\n")
        reader.reads.clear()
        waiting = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, waiting.set)
        await waiting.wait()
        writing = asyncio.create_task(events.write(b"data: half"))
        await asyncio.sleep(0)
        reader.reads.set()
        await writing
        assert [await reader.next() for _ in range(3)] == [b"data: 1\n\n", COMMENT, b"data: half"]


async def test_nothing_is_written_once_the_stream_has_ended() -> None:
    reader = Reader()
    with reader.kept_alive(0.01) as events:
        await events.write(b"data: 1\n\n")
        reader.reads.clear()
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, over.set)
    await over.wait()
    reader.reads.set()
    assert await reader.next() == b"data: 1\n\n"
    assert reader.taken.empty()
