"""When a connection is kept, and when it is not; what is read ahead, and what is sent while nobody reads."""

import asyncio
import gc
import os
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from modelwire_service.errors import ServiceError, UpstreamTimeout, UpstreamUnavailable
from modelwire_service.upstreams.http.base import Request, Timeouts
from modelwire_service.upstreams.http.native.client import NativeClient
from modelwire_service.upstreams.http.native.connection import UNREAD_BYTES
from modelwire_service.upstreams.http.native.response import NativeResponse
from support.certificates import Authority
from support.loopback import Peer, Script, listening

PATIENT = Timeouts(connect=5, first_byte=5, idle=5)
OK = b"HTTP/1.1 200 OK\r\n"
LARGE = bytes(32 << 20)


@pytest.fixture
async def client() -> AsyncIterator[NativeClient]:
    made = NativeClient(PATIENT)
    yield made
    await made.aclose()


async def body_of(answer: NativeResponse) -> bytes:
    return b"".join([piece async for piece in answer.pieces()])


async def call(client: NativeClient, url: str, body: bytes = b"{}") -> bytes:
    return await body_of(await client.send(Request("POST", url, {"x-key": "k"}, body)))


async def a_while(seconds: float) -> None:
    """Lets time pass in which nothing is to happen."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


def answering(data: bytes) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.write(data)

    return script


@pytest.mark.parametrize(
    ("data", "connections"),
    [
        (OK + b"content-length: 2\r\n\r\nok", 1),
        (OK + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 2\r\n\r\nok", 1),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 3),
        (OK + b"connection: close\r\ncontent-length: 2\r\n\r\nok", 3),
        (OK + b"content-length: 2\r\n\r\nok" + OK + b"content-length: 3\r\n\r\nbad", 3),
        (OK + b"content-length: 2\r\n\r\nokHTT", 3),
    ],
)
async def test_a_connection_is_used_again_unless_that_is_doubtful(
    client: NativeClient, data: bytes, connections: int
) -> None:
    async with listening(answering(data)) as server:
        for _ in range(3):
            assert await call(client, server.url) == b"ok"
    assert server.connections == connections


async def test_what_follows_an_answer_and_is_no_other_is_told(client: NativeClient) -> None:
    async with listening(answering(OK + b"content-length: 2\r\n\r\nok, and more")) as server:
        answer = await client.send(Request("POST", server.url))
        assert await anext(answer.pieces()) == b"ok"
        with pytest.raises(UpstreamUnavailable):
            await body_of(answer)


async def test_a_connection_on_which_something_comes_unasked_is_closed(client: NativeClient) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def talks_on(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        if peer.number == 0:
            await asked.wait()
            await peer.write(OK + b"content-length: 3\r\n\r\nbad")
            await peer.gone()
            gone.set()

    async with listening(talks_on) as server:
        assert await call(client, server.url) == b"ok"
        asked.set()
        async with asyncio.timeout(5):
            await gone.wait()
        assert await call(client, server.url) == b"ok"
    assert server.connections == 2


async def test_an_answer_that_comes_before_the_request_has_gone_out_is_used_and_its_connection_is_not(
    client: NativeClient,
) -> None:
    async def refuses_early(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await peer.answer(b"too large", status="413 Content Too Large")
        await asyncio.Event().wait()

    async with listening(refuses_early) as server:
        for _ in range(2):
            answer = await client.send(Request("POST", server.url, {}, LARGE))
            assert (answer.status, await body_of(answer)) == (413, b"too large")
    assert server.connections == 2


async def test_a_whole_answer_that_has_come_is_one_piece(client: NativeClient) -> None:
    chunks = b"".join(b"3\r\nabc\r\n" for _ in range(100))
    async with listening(answering(OK + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")) as server:
        answer = await client.send(Request("POST", server.url))
        assert [piece async for piece in answer.pieces()] == [b"abc" * 100]


async def test_no_more_is_read_than_somebody_takes(client: NativeClient) -> None:
    sent = 0

    async def endless(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.write(OK + b"\r\n")
        while True:
            await peer.write(bytes(1 << 16))
            sent += 1 << 16

    async with listening(endless) as server:
        answer = await client.send(Request("POST", server.url))
        await anext(answer.pieces())
        before = -1
        while sent != before:  # until its socket is full
            before = sent
            await a_while(0.1)
        assert UNREAD_BYTES <= answer.unread <= 4 * UNREAD_BYTES
        taken = 0
        while taken < before:
            taken += len(await anext(answer.pieces()))
        await answer.aclose()


async def test_a_reader_that_takes_its_time_is_no_silence_of_the_upstream() -> None:
    client = NativeClient(Timeouts(connect=5, first_byte=5, idle=0.2))
    body = bytes(8 << 20)
    async with listening(answering(OK + b"content-length: %d\r\n\r\n" % len(body) + body)) as server:
        answer = await client.send(Request("POST", server.url))
        first = await anext(answer.pieces())
        await a_while(0.5)
        assert answer.unread >= UNREAD_BYTES
        assert len(first) + len(await body_of(answer)) == len(body)
    await client.aclose()


async def test_a_large_request_over_tls_is_sent_whole(tmp_path: Path) -> None:
    authority = Authority()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue().written(tmp_path, "upstream"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    body = random.Random(1).randbytes(8 << 20)

    async def echo(peer: Peer) -> None:
        agreed = peer.writer.get_extra_info("ssl_object").selected_alpn_protocol()
        while True:
            request = await peer.request()
            await peer.answer(request.partition(b"\r\n\r\n")[2], f"x-agreed: {agreed}")

    client = NativeClient(PATIENT, tls=authority.trusting())
    async with listening(echo, tls=context) as server:
        for _ in range(2):
            answer = await client.send(Request("POST", server.url, {}, body))
            assert answer.headers["x-agreed"] == "http/1.1"
            assert await body_of(answer) == body
        await client.aclose()
    assert server.connections == 1


async def test_closing_the_client_closes_what_is_open_and_tells_who_waits() -> None:
    client, reached = NativeClient(PATIENT), asyncio.Barrier(3)

    async def stalls(peer: Peer) -> None:
        await peer.request()
        if peer.number == 0:
            await peer.start_chunked()
        await reached.wait()
        await peer.gone()

    async with listening(stalls) as server:
        answer = await client.send(Request("POST", server.url))
        waiting = [asyncio.create_task(body_of(answer)), asyncio.create_task(call(client, server.url))]
        async with asyncio.timeout(5):
            await reached.wait()
            await client.aclose()
        told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in told] == [UpstreamUnavailable, UpstreamUnavailable]
    assert server.connections == 2


@pytest.mark.parametrize("header", ["a\r\nx: y", "a\0b"])
async def test_a_header_that_would_be_another_is_told_as_not_sent(client: NativeClient, header: str) -> None:
    async with listening(answering(b"")) as server:
        with pytest.raises(UpstreamUnavailable) as caught:
            await client.send(Request("POST", server.url, {"authorization": header}))
    assert not caught.value.sent
    assert server.connections == 0


async def test_bytes_that_trickle_are_no_head() -> None:
    client = NativeClient(Timeouts(connect=5, first_byte=0.3, idle=5))

    async def trickles(peer: Peer) -> None:
        await peer.request()
        for byte in OK + b"x: " + b"x" * 1000:
            await peer.write(bytes([byte]))
            if await peer.gone_within(0.01):
                return

    async with listening(trickles) as server, asyncio.timeout(5):
        with pytest.raises(UpstreamTimeout):
            await call(client, server.url)
    await client.aclose()


async def whims(peer: Peer) -> None:
    """Echoes, in one of the ways in which servers end their answers and connections."""
    chance = random.Random(peer.number)
    while True:
        body = (await peer.request()).partition(b"\r\n\r\n")[2]
        whole = b"content-length: %d\r\n\r\n" % len(body) + body
        match chance.randrange(8):
            case 0:
                return peer.reset()
            case 1:
                return await peer.write(OK + whole)
            case 2:
                return await peer.write(OK + b"\r\n" + body)
            case 3:
                return await peer.write(OK + b"connection: close\r\n" + whole)
            case 4:
                await peer.start_chunked()
                for start in range(0, len(body), 1 + len(body) // 3):
                    await peer.chunk(body[start : start + 1 + len(body) // 3])
                await peer.write(b"0\r\n\r\n")
            case _:
                await peer.write(OK + whole)


async def test_no_caller_gets_anothers_answer_and_nothing_is_left_behind() -> None:
    client, mixed = NativeClient(PATIENT), random.Random(1)
    open_before = len(os.listdir("/proc/self/fd"))

    async def one(number: int) -> str:
        body = b"%d " % number + bytes(mixed.choice([1, 1000, 300_000]))
        try:
            assert await call(client, server.url, body) == body
        except ServiceError:
            return "told"
        return "right"

    async def leaving(number: int) -> str:
        task = asyncio.create_task(one(number))
        for _ in range(mixed.randrange(20)):
            await asyncio.sleep(0)
        task.cancel()
        [outcome] = await asyncio.gather(task, return_exceptions=True)
        return outcome if isinstance(outcome, str) else "left"

    async with listening(whims) as server, asyncio.timeout(60):
        outcomes = [await one(number) for number in range(200)]
        for _ in range(10):
            outcomes += await asyncio.gather(*(mixed.choice([one, leaving])(number) for number in range(100)))
        await client.aclose()
    assert set(outcomes) == {"right", "told", "left"}
    assert outcomes.count("right") > outcomes.count("told")
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= open_before + 2  # uvloop's own
