"""What every `HttpClient` promises, tried on each adapter against scripted servers on real sockets."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path

import httpx
import pytest
from modelwire_service.errors import ServiceError, UpstreamTimeout, UpstreamUnavailable
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import HttpClient, Request, Response, Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.http.native.client import NativeClient
from support.loopback import Peer, Script, listening

PATIENT = Timeouts(connect=5, first_byte=5, idle=5)
CLOSED_WITHIN = 0.1

ADAPTERS: Mapping[str, Callable[[Timeouts], HttpClient]] = {
    "aiohttp": AiohttpClient,
    "httpx": HttpxClient,
    "native": NativeClient,
}


@pytest.fixture(params=sorted(ADAPTERS))
def adapter(request: pytest.FixtureRequest) -> Callable[[Timeouts], HttpClient]:
    return ADAPTERS[request.param]


@pytest.fixture
async def client(adapter: Callable[[Timeouts], HttpClient]) -> AsyncIterator[HttpClient]:
    made = adapter(PATIENT)
    yield made
    await made.aclose()


async def body_of(response: Response) -> bytes:
    try:
        return b"".join([piece async for piece in response.pieces()])
    finally:
        await response.aclose()


async def call(client: HttpClient, url: str, body: bytes = b"{}") -> bytes:
    return await body_of(await client.send(Request("POST", url, {"x-key": "secret-key"}, body)))


async def failure_of(client: HttpClient, url: str) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call(client, url)
    assert "secret-key" not in caught.value.message
    assert "127.0.0.1" not in caught.value.message
    return caught.value


def unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def echo(peer: Peer) -> None:
    while True:
        sent = await peer.request()
        await peer.answer(sent.partition(b"\r\n\r\n")[2], "X-Request-Id: 7")


async def test_a_request_and_its_answer_arrive_whole(client: HttpClient) -> None:
    async with listening(echo) as server:
        response = await client.send(Request("POST", server.url + "/path?q=1", {"authorization": "Bearer k"}, b"abc"))
        assert (response.status, response.headers["x-request-id"]) == (200, "7")
        assert await body_of(response) == b"abc"
    head = server.requests[0].lower()
    assert head.startswith(b"post /path?q=1 http/1.1\r\n")
    assert b"\r\nauthorization: bearer k\r\n" in head


async def test_a_large_body_is_sent_whole(client: HttpClient) -> None:
    body = bytes(range(256)) * (12 << 10)
    async with listening(echo) as server:
        assert await call(client, server.url, body) == body


async def test_connections_are_kept_alive(client: HttpClient) -> None:
    async with listening(echo) as server:
        for _ in range(3):
            await call(client, server.url)
    assert server.connections == 1


async def test_a_refused_connection_is_told_as_not_sent(client: HttpClient) -> None:
    error = await failure_of(client, f"http://127.0.0.1:{unused_port()}/")
    assert isinstance(error, UpstreamUnavailable)
    assert not error.sent
    assert "Connection refused" in error.message


async def test_an_unknown_host_is_told_as_not_sent(client: HttpClient) -> None:
    error = await failure_of(client, "http://no-such-host.invalid/")
    assert isinstance(error, UpstreamUnavailable)
    assert not error.sent
    assert "no-such-host" not in error.message


async def test_a_failed_tls_handshake_is_told_as_not_sent(client: HttpClient) -> None:
    async def not_tls(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(not_tls) as server:
        error = await failure_of(client, server.url.replace("http:", "https:"))
    assert isinstance(error, UpstreamUnavailable)
    assert not error.sent
    assert error.message == "the upstream was not reached: the TLS handshake failed: it does not speak TLS"


async def test_a_connection_not_made_in_time_is_told_as_not_sent(adapter: Callable[[Timeouts], HttpClient]) -> None:
    client = adapter(Timeouts(connect=0.2, first_byte=5, idle=5))

    async def mute(peer: Peer) -> None:
        await peer.gone()

    async with listening(mute) as server:
        error = await failure_of(client, server.url.replace("http:", "https:"))
    await client.aclose()
    assert isinstance(error, UpstreamUnavailable)
    assert not error.sent
    assert "no connection within 0.2 s" in error.message


async def close_after_request(peer: Peer) -> None:
    await peer.request()


async def reset_after_request(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def answer_no_http(peer: Peer) -> None:
    await peer.request()
    await peer.write(b"SSH-2.0-OpenSSH\r\n\r\n")


async def cut_content_length(peer: Peer) -> None:
    await peer.request()
    await peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")


async def cut_chunked(peer: Peer) -> None:
    await peer.request()
    await peer.start_chunked()
    await peer.chunk(b"abc")


async def garbled_chunks(peer: Peer) -> None:
    await cut_chunked(peer)
    await peer.write(b"no size of a chunk\r\n")
    await peer.gone()


async def garbled_chunks_from_the_start(peer: Peer) -> None:
    await peer.request()
    await peer.start_chunked()
    await peer.write(b"no size of a chunk\r\n")
    await peer.gone()


async def reset_in_body(peer: Peer) -> None:
    await cut_chunked(peer)
    peer.reset()


async def reset_without_length(peer: Peer) -> None:
    await peer.request()
    await peer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc")
    peer.reset()


async def garbled_gzip(peer: Peer) -> None:
    await peer.request()
    await peer.answer(b"not gzip at all", "content-encoding: gzip")


@pytest.mark.parametrize(
    "script",
    [
        close_after_request,
        reset_after_request,
        answer_no_http,
        cut_content_length,
        cut_chunked,
        garbled_chunks,
        garbled_chunks_from_the_start,
        reset_in_body,
        reset_without_length,
        garbled_gzip,
    ],
)
async def test_a_break_after_sending_is_told_as_sent_and_not_repeated(client: HttpClient, script: Script) -> None:
    async with listening(script) as server:
        error = await failure_of(client, server.url)
    assert isinstance(error, UpstreamUnavailable)
    assert error.sent
    assert len(server.requests) == 1


@pytest.mark.parametrize("turns", range(4))
async def test_a_break_that_comes_with_the_last_good_piece_is_told_after_it(client: HttpClient, turns: int) -> None:
    """However many turns of the loop the reader takes before it asks for more."""
    awaited = asyncio.Event()

    async def script(peer: Peer) -> None:
        await cut_chunked(peer)
        await awaited.wait()
        await peer.write(b"3\r\ndef\r\nno size of a chunk\r\n")
        await peer.gone()

    async with listening(script) as server:
        response = await client.send(Request("GET", server.url))
        pieces = response.pieces()
        assert await anext(pieces) == b"abc"
        awaited.set()
        assert await anext(pieces) == b"def"
        for _ in range(turns):
            await asyncio.sleep(0)
        with pytest.raises(UpstreamUnavailable):
            await anext(pieces)
        await response.aclose()


async def stall_before_headers(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


async def stall_before_body(peer: Peer) -> None:
    await peer.request()
    await peer.start_chunked()
    await peer.gone()


async def stall_in_body(peer: Peer) -> None:
    await peer.request()
    await peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
    await peer.gone()


async def stall_in_body_after_a_while(peer: Peer) -> None:
    await peer.request()
    await peer.start_chunked()
    await peer.chunk(b"abc")
    await peer.gone()


async def never_read(peer: Peer) -> None:
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("script", "timeouts", "told"),
    [
        (stall_before_headers, Timeouts(connect=5, first_byte=0.2, idle=5), "did not begin to answer within 0.2 s"),
        (stall_before_body, Timeouts(connect=5, first_byte=0.2, idle=5), "did not begin to answer within 0.2 s"),
        (stall_in_body, Timeouts(connect=5, first_byte=5, idle=0.2), "fell silent for 0.2 s"),
        (stall_in_body_after_a_while, Timeouts(connect=5, first_byte=5, idle=0.2), "fell silent for 0.2 s"),
    ],
)
async def test_silence_is_bounded_and_told(
    adapter: Callable[[Timeouts], HttpClient], script: Script, timeouts: Timeouts, told: str
) -> None:
    client = adapter(timeouts)
    async with listening(script) as server:
        error = await failure_of(client, server.url)
    await client.aclose()
    assert isinstance(error, UpstreamTimeout)
    assert told in error.message


async def test_a_body_the_upstream_never_reads_is_bounded(adapter: Callable[[Timeouts], HttpClient]) -> None:
    client = adapter(Timeouts(connect=0.2, first_byte=0.2, idle=5))
    async with listening(never_read) as server:
        with pytest.raises(UpstreamTimeout):
            await call(client, server.url, bytes(32 << 20))
    await client.aclose()


async def test_pieces_come_before_the_server_writes_the_next(client: HttpClient) -> None:
    received = asyncio.Queue[bytes]()

    async def wait_for_each(peer: Peer) -> None:
        await peer.request()
        await peer.start_chunked("content-type: text/event-stream")
        for piece in (b"one", b"two", b"three"):
            await peer.chunk(piece)
            assert await received.get() == piece
        await peer.write(b"0\r\n\r\n")

    async with listening(wait_for_each) as server, asyncio.timeout(5):
        response = await client.send(Request("POST", server.url))
        async for piece in response.pieces():
            received.put_nowait(piece)
        await response.aclose()


async def test_gzip_is_undone(client: HttpClient) -> None:
    async def zipped(peer: Peer) -> None:
        await peer.request()
        await peer.answer(gzip.compress(b"hello" * 1000), "content-encoding: gzip")

    async with listening(zipped) as server:
        assert await call(client, server.url) == b"hello" * 1000


async def test_cookies_are_not_sent_back(client: HttpClient) -> None:
    async def baker(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(b"{}", "set-cookie: session=of-another-caller; Path=/")

    async with listening(baker) as server:
        await call(client, server.url)
        await call(client, server.url)
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


async def test_redirects_are_answers(client: HttpClient) -> None:
    async def elsewhere(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"", "location: /other", status="307 Temporary Redirect")

    async with listening(elsewhere) as server:
        response = await client.send(Request("POST", server.url, {}, b"{}"))
        await response.aclose()
    assert (response.status, len(server.requests)) == (307, 1)


async def test_closing_early_closes_the_connection(client: HttpClient) -> None:
    closed = asyncio.Event()

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.start_chunked()
        await peer.chunk(b"first")
        await peer.gone()
        closed.set()

    async with listening(endless) as server:
        response = await client.send(Request("POST", server.url))
        assert await anext(aiter(response.pieces())) == b"first"
        await response.aclose()
        async with asyncio.timeout(CLOSED_WITHIN):
            await closed.wait()


async def test_a_connection_that_switches_protocols_is_closed(client: HttpClient) -> None:
    closed = asyncio.Event()

    async def switches(peer: Peer) -> None:
        await peer.request()
        await peer.write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
        await peer.gone()
        closed.set()

    async with listening(switches) as server:
        with suppress(UpstreamUnavailable):  # h11 takes it for no HTTP where no upgrade was asked for
            await (await client.send(Request("POST", server.url))).aclose()
        async with asyncio.timeout(CLOSED_WITHIN):
            await closed.wait()


@pytest.mark.parametrize("awaited", ["headers", "piece"])
async def test_cancelling_closes_the_connection(client: HttpClient, awaited: str) -> None:
    reached, closed = asyncio.Event(), asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.request()
        if awaited == "piece":
            await peer.start_chunked()
        reached.set()
        await peer.gone()
        closed.set()

    async def caller() -> None:
        response = await client.send(Request("POST", server.url))
        await anext(aiter(response.pieces()))

    async with listening(silent) as server:
        task = asyncio.create_task(caller())
        await reached.wait()
        await asyncio.wait([task], timeout=0.05)
        task.cancel()
        async with asyncio.timeout(CLOSED_WITHIN):
            await closed.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_cancelling_in_a_handshake_closes_the_connection(client: HttpClient) -> None:
    reached, closed = asyncio.Event(), asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.reader.read(1)
        reached.set()
        await peer.gone()
        closed.set()

    async with listening(silent) as server:
        task = asyncio.create_task(client.send(Request("POST", server.url.replace("http", "https"))))
        await reached.wait()
        task.cancel()
        async with asyncio.timeout(CLOSED_WITHIN):
            await closed.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


async def once_then_close(peer: Peer) -> None:
    """The first connection answers once and takes the next request to its grave, as a stale one does."""
    await peer.request()
    await peer.answer(b"ok")
    if peer.number == 0:
        await peer.request()


async def once_then_reset(peer: Peer) -> None:
    await once_then_close(peer)
    if peer.number == 0:
        peer.reset()


@pytest.mark.parametrize("script", [once_then_close, once_then_reset])
async def test_a_stale_connection_does_not_fail_the_next_call(client: HttpClient, script: Script) -> None:
    async with listening(script) as server:
        assert await call(client, server.url) == b"ok"
        assert await call(client, server.url) == b"ok"
    assert server.connections == 2


async def test_a_connection_closed_while_idle_does_not_fail_the_next_call(client: HttpClient) -> None:
    async def once(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")

    async with listening(once) as server:
        for _ in range(3):
            assert await call(client, server.url) == b"ok"
    assert len(server.requests) == 3


async def test_a_stale_connection_is_replaced_only_once(client: HttpClient) -> None:
    async def first_answers_only(peer: Peer) -> None:
        await peer.request()
        if peer.number == 0:
            await peer.answer(b"ok")
            await peer.request()

    async with listening(first_answers_only) as server:
        await call(client, server.url)
        error = await failure_of(client, server.url)
    assert isinstance(error, UpstreamUnavailable)
    assert error.sent
    assert len(server.requests) == 3


class ClockAhead(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward: what takes seconds to pass, has passed."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


def test_a_late_break_on_a_used_connection_is_not_repeated(adapter: Callable[[Timeouts], HttpClient]) -> None:
    async def thinks_then_dies(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        await peer.request()
        loop.ahead += 1.1

    async def calls() -> tuple[ServiceError, int]:
        async with listening(thinks_then_dies) as server, aclosing(adapter(PATIENT)) as client:
            await call(client, server.url)
            error = await failure_of(client, server.url)
        return error, len(server.requests)

    loop = ClockAhead()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        error, requests = runner.run(calls())
    assert isinstance(error, UpstreamUnavailable)
    assert error.sent
    assert requests == 2


async def test_many_calls_run_at_once(client: HttpClient) -> None:
    together = asyncio.Barrier(120)

    async def meet(peer: Peer) -> None:
        await peer.request()
        await together.wait()
        await peer.answer(b"ok")

    async with listening(meet) as server, asyncio.timeout(10):
        assert await asyncio.gather(*(call(client, server.url) for _ in range(120))) == [b"ok"] * 120


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
async def test_a_unix_socket_is_an_address_like_any_other(kind: str, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, 0, [])
        await peer.request()
        await peer.answer(b"over unix")
        writer.close()

    over_unix: Mapping[str, Callable[[], HttpClient]] = {
        "aiohttp": lambda: AiohttpClient(PATIENT, unix_socket=path),
        "httpx": lambda: HttpxClient(PATIENT, httpx.AsyncHTTPTransport(uds=path)),
        "native": lambda: NativeClient(PATIENT, unix_socket=path),
    }
    client = over_unix[kind]()
    async with await asyncio.start_unix_server(accept, path):
        assert await call(client, "http://localhost/v1") == b"over unix"
    error = await failure_of(client, "http://localhost/v1")
    await client.aclose()
    assert isinstance(error, UpstreamUnavailable)
    assert not error.sent
