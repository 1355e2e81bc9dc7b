"""A server of JSON over real sockets, through either HTTP client: what it is sent, and how it reports failure."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from modelwire_service.errors import InvalidRequest, UpstreamProtocolError, UpstreamRefused
from modelwire_service.upstreams.errors import refusal_in, refusal_of
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import HttpClient, Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.http.native.client import NativeClient
from modelwire_service.upstreams.json_server import JsonServer, short_body
from modelwire_service.upstreams.key_ring import KeyRing
from modelwire_service.upstreams.redaction import Redactor
from support.loopback import Peer, listening

TIMEOUTS = Timeouts(connect=5, first_byte=5, idle=5)
KEY = "planted-0123456789"


def told_by_header(answer: Any, headers: Mapping[str, str], redactor: Redactor) -> UpstreamRefused | None:
    """Reads the JSON as any, and the wait from a header of the success."""
    if (refusal := refusal_in(answer, redactor)) is not None:
        refusal.retry_after = float(headers["x-wait"])
    return refusal


@pytest.fixture(params=[AiohttpClient, HttpxClient, NativeClient])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[str], JsonServer]]:
    made: list[JsonServer] = []

    def server_at(url: str) -> JsonServer:
        client: HttpClient = request.param(TIMEOUTS)
        server = JsonServer(
            url,
            client,
            keys=KeyRing([KEY]),
            key_headers=lambda key: {"x-key": key},
            headers={"accept": "a/b"},
            refusal_of=refusal_of,
            refusal_in=told_by_header,
        )
        made.append(server)
        return server

    yield server_at
    for server in made:
        await server.close()


@pytest.mark.parametrize("base", ["/v1", "/v1/"])
async def test_a_request_goes_below_the_base_url_with_the_given_headers_over_its_own(
    connect: Callable[[str], JsonServer], base: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b'{"a": 1}', "x-told: b")

    async with listening(script) as server:
        answer, headers = await connect(server.url + base).call("POST", "calls?x=1", {"q": "é"})
    assert (answer, headers["x-told"]) == ({"a": 1}, "b")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().lower().split("\r\n")
    assert (first, body) == ("post /v1/calls?x=1 http/1.1", '{"q":"é"}'.encode())
    assert {f"x-key: {KEY}", "accept: a/b", "content-type: application/json"} < set(lines)


async def test_what_json_cannot_hold_is_never_sent(connect: Callable[[str], JsonServer]) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async with listening(script) as server:
        with pytest.raises(InvalidRequest):
            await connect(server.url).call("POST", "calls", {"q": "\ud800"})
    assert server.connections == 0


async def test_a_refusal_leaves_the_connection_usable(connect: Callable[[str], JsonServer]) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            message = f'{{"error": "no {KEY} here"}}'.encode()
            await peer.answer(message, "retry-after: 3", status="429 Too Many Requests")

    async with listening(script) as server:
        upstream = connect(server.url)
        for _ in range(3):
            with pytest.raises(UpstreamRefused) as caught:
                await upstream.send("GET", "calls")
            assert (caught.value.message, caught.value.retry_after) == ("no [key] here", 3)
    assert server.connections == 1


async def test_a_refusal_that_breaks_off_still_has_its_status_and_wait(connect: Callable[[str], JsonServer]) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        head = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 3\r\ncontent-length: 99\r\n\r\n"
        await peer.write(head + b'{"error": "bu')

    async with listening(script) as server:
        with pytest.raises(UpstreamRefused) as caught:
            await connect(server.url).send("GET", "calls")
    assert (caught.value.http_status, caught.value.retry_after) == (503, 3)
    assert caught.value.message == "upstream answered 503"


async def test_a_failure_within_a_success_is_read_with_its_headers(connect: Callable[[str], JsonServer]) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b'{"error": {"message": "busy", "code": 429}}', "x-wait: 4")

    async with listening(script) as server:
        with pytest.raises(UpstreamRefused) as caught:
            await connect(server.url).call("GET", "calls")
    assert (caught.value.http_status, caught.value.retry_after) == (429, 4)


@pytest.mark.parametrize(
    ("body", "header", "told"),
    [
        (b"<html>", "content-type: text/html; charset=x", r"not JSON \(status 200, text/html\)"),
        (b"", "x-none: x", r"not JSON \(status 200, no content type\)"),
        (b"[]", "content-type: application/json", "not an object"),
    ],
)
async def test_an_answer_that_is_no_object_is_told_for_what_it_is(
    connect: Callable[[str], JsonServer], body: bytes, header: str, told: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(body, header)

    async with listening(script) as server:
        with pytest.raises(UpstreamProtocolError, match=told):
            await connect(server.url).call("GET", "calls")


async def test_a_body_that_does_not_end_in_time_is_given_up_with_its_connection(
    connect: Callable[[str], JsonServer],
) -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.start_chunked()
        await peer.chunk(b"half")
        await peer.gone()
        closed.set()

    async with listening(script) as server, asyncio.timeout(5):
        response = await connect(server.url).send("GET", "calls")
        assert await short_body(response, 0.01) == b""
        await response.aclose()
        await closed.wait()
