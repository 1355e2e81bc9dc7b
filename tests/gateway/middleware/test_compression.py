"""What a server sees of an app behind compression, and what a client gets over a socket."""

import asyncio
from typing import Any

import pytest
from modelwire_gateway.asgi import App
from modelwire_gateway.exchange import BrokenAnswerError, Receive, Scope, Send, send_whole
from modelwire_gateway.middleware.compression import WORTHWHILE_BYTES, Compression
from support.asgi_apps import Serve
from support.asgi_calls import AsgiCall
from support.codings import Decoder, decoded
from support.raw_http import connected

LONG = b'{"text": "again and again"}' * 100
CODINGS = ["gzip", "zstd"]
Headers = list[tuple[bytes, bytes]]


def whole(body: bytes = LONG, content_type: str = "application/json", status: int = 200, **more: str) -> App:
    """An app that answers at once, its length told."""

    async def app(_: Scope, __: Receive, send: Send) -> None:
        headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
        described = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": [*described, *headers]})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app


class Stream:
    """An app that sends its pieces one by one, each when it is told to."""

    def __init__(self, *pieces: bytes, content_type: bytes = b"application/x-ndjson", breaks: bool = False) -> None:
        self.go_on = asyncio.Semaphore(0)
        self._pieces = pieces
        self._content_type = content_type
        self._breaks = breaks

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-type", self._content_type)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in self._pieces:
            await self.go_on.acquire()
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await self.go_on.acquire()
        if self._breaks:
            raise BrokenAnswerError
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def asked(app: App, accept_encoding: str | None = "gzip", method: str = "GET", **options: Any) -> AsgiCall:
    headers = [] if accept_encoding is None else [("accept-encoding", accept_encoding)]
    return await AsgiCall(method, "/", headers=headers, **options).run(Compression(app))


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_long_answer_comes_in_the_coding_asked_for(coding: str) -> None:
    call = await asked(whole(), coding)
    assert decoded(coding, call.body) == LONG
    assert call.headers == {
        "content-type": "application/json",
        "content-encoding": coding,
        "content-length": str(len(call.body)),
        "vary": "Accept-Encoding",
    }


async def test_the_lines_of_a_header_sent_in_several_are_one_list() -> None:
    headers = [("accept-encoding", "br"), ("accept-encoding", "zstd;q=0.5"), ("accept-encoding", "gzip")]
    call = await AsgiCall("GET", "/", headers=headers).run(Compression(whole()))
    assert call.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("accept_encoding", [None, "identity", "br", "gzip;q=0"])
async def test_who_asks_for_none_is_handed_to_the_app_as_it_is(accept_encoding: str | None) -> None:
    given: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given.extend((scope, receive, send))

    headers = [] if accept_encoding is None else [("accept-encoding", accept_encoding)]
    call = await AsgiCall("GET", "/", headers=headers).run(Compression(app))
    assert given == [call.scope, call.receive, call.send]


async def test_what_is_no_request_is_handed_to_the_app_as_it_is() -> None:
    given: list[Any] = []

    async def app(*arguments: Any) -> None:
        given.extend(arguments)

    call = AsgiCall("GET", "/")
    await Compression(app)({"type": "lifespan"}, call.receive, call.send)
    assert given == [{"type": "lifespan"}, call.receive, call.send]


@pytest.mark.parametrize(
    ("content_type", "coded"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("application/x-ndjson", True),
        ("application/xml", True),
        ("image/svg+xml", True),
        ("application/openapi+yaml", True),
        ("application/javascript", True),
        ("text/plain; charset=utf-8", True),
        ("text/html", True),
        ("text/event-stream", False),
        ("Text/Event-Stream;charset=utf-8", False),
        ("application/octet-stream", False),
        ("image/png", False),
        ("application/zip", False),
        ("", False),
    ],
)
async def test_text_is_compressed_and_events_are_not(content_type: str, coded: bool) -> None:
    call = await asked(whole(content_type=content_type))
    assert ("content-encoding" in call.headers) is coded
    assert call.headers.get("vary") == ("Accept-Encoding" if coded else None)
    assert (decoded("gzip", call.body) if coded else call.body) == LONG


@pytest.mark.parametrize(
    ("size", "coded"), [(0, False), (1, False), (WORTHWHILE_BYTES - 1, False), (WORTHWHILE_BYTES, True)]
)
async def test_a_short_answer_is_left_as_it_is_but_might_have_been_longer(size: int, coded: bool) -> None:
    call = await asked(whole(b"x" * size))
    assert ("content-encoding" in call.headers) is coded
    assert call.headers["vary"] == "Accept-Encoding"
    assert int(call.headers["content-length"]) == len(call.body)


@pytest.mark.parametrize(
    ("body", "content_type", "coded"),
    [
        (b"short", "application/json", True),
        (b"", "application/json", False),
        (LONG, "image/png", True),
        (LONG, "text/event-stream", False),
    ],
)
async def test_who_refuses_an_answer_as_it_is_gets_everything_but_events_coded(
    body: bytes, content_type: str, coded: bool
) -> None:
    call = await asked(whole(body, content_type), "gzip, identity;q=0")
    assert ("content-encoding" in call.headers) is coded


@pytest.mark.parametrize(("status", "body"), [(204, b""), (304, b""), (206, LONG)])
async def test_no_body_and_part_of_one_are_left_as_they_are(status: int, body: bytes) -> None:
    call = await asked(whole(body, status=status))
    assert "content-encoding" not in call.headers
    assert call.body == body


async def test_what_is_coded_already_is_left_as_it_is() -> None:
    call = await asked(whole(content_encoding="br"))
    assert call.headers["content-encoding"] == "br"
    assert call.body == LONG
    assert "vary" not in call.headers


@pytest.mark.parametrize(("tag", "weak"), [('"a"', 'W/"a"'), ('W/"a"', 'W/"a"')])
async def test_a_coded_answer_is_another_one_under_a_tag(tag: str, weak: str) -> None:
    assert (await asked(whole(etag=tag))).headers["etag"] == weak
    assert (await asked(whole(b"{}", etag=tag))).headers["etag"] == tag


async def test_it_varies_by_what_it_varied_before_too() -> None:
    call = await asked(whole(vary="Origin"))
    assert [value for name, value in call.sent[0]["headers"] if name == b"vary"] == [b"Origin", b"Accept-Encoding"]


@pytest.mark.parametrize("coding", CODINGS)
async def test_other_requests_go_on_while_a_long_piece_is_coded(coding: str) -> None:
    body = b"".join(b"%d," % number for number in range(100_000))
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    call = await asked(whole(body), coding)
    counting.cancel()
    assert turns
    assert decoded(coding, call.body) == body


async def test_a_body_of_told_length_that_comes_in_pieces() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(LONG))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": LONG[:2000], "more_body": True})
        await send({"type": "http.response.body", "body": LONG[2000:]})

    call = await asked(app)
    assert "content-length" not in call.headers
    assert decoded("gzip", call.body) == LONG


async def test_trailers_come_after_a_coded_body() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
        await send({"type": "http.response.body", "body": LONG, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        await send({"type": "http.response.trailers", "headers": [(b"a", b"b")], "more_trailers": False})

    call = await asked(app, offers_trailers=True)
    assert call.sent[0]["trailers"] is True
    assert decoded("gzip", call.body) == LONG
    assert call.trailers == {"a": "b"}


class TestStreams:
    @pytest.mark.parametrize(
        ("first", "content_type", "coded"),
        [
            (b'{"n": 1}\n', "application/x-ndjson", True),
            (b'[{"n": 1}', "application/json", True),
            (b"[[1, 2]", "application/json", False),
            (b"[1, 2]", "application/json", False),
            (b'{"n": 1}', "application/json", False),
            (b"one", "text/plain", False),
            (b"x" * WORTHWHILE_BYTES, "text/plain", True),
            (b"x" * WORTHWHILE_BYTES, "text/event-stream", False),
        ],
    )
    async def test_the_first_piece_decides(self, first: bytes, content_type: str, coded: bool) -> None:
        stream = Stream(first, LONG, content_type=content_type.encode())
        stream.go_on = asyncio.Semaphore(3)
        call = await asked(stream)
        assert call.headers.get("content-encoding") == ("gzip" if coded else None)
        assert (decoded("gzip", call.body) if coded else call.body) == first + LONG

    @pytest.mark.parametrize("content_type", [b"text/plain", b"application/x-ndjson"])
    async def test_the_head_goes_out_with_the_first_piece_though_it_is_empty(
        self, content_type: bytes, serve: Serve
    ) -> None:
        stream = Stream(b"", content_type=content_type)
        stream.go_on.release()
        server = await serve(Compression(stream))
        async with connected(server.address) as client:
            await client.send(b"GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n")
            assert (await client.answer(to_head=True)).status == 200
            stream.go_on.release()

    @pytest.mark.parametrize("coding", CODINGS)
    async def test_no_message_waits_for_the_next(self, coding: str, serve: Serve) -> None:
        stream = Stream(b'{"n": 1}\n', b"", b'{"n": 2}\n')
        server = await serve(Compression(stream))
        decoder = Decoder(coding)
        async with connected(server.address) as client:
            await client.send(f"GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: {coding}\r\n\r\n".encode())
            stream.go_on.release()
            head = await client.answer(to_head=True)
            assert head.headers["content-encoding"] == coding
            assert head.headers["vary"] == "Accept-Encoding"
            assert decoder.feed(await client.chunk()) == b'{"n": 1}\n'
            stream.go_on.release()
            stream.go_on.release()
            read = decoder.feed(await client.chunk())
            while not read:  # a piece without anything in it
                read = decoder.feed(await client.chunk())
            assert read == b'{"n": 2}\n'
            assert not decoder.ended
            stream.go_on.release()
            assert decoder.feed(await client.chunk()) == b""
            assert await client.chunk() == b""
        assert decoder.ended

    @pytest.mark.parametrize("coding", CODINGS)
    async def test_an_answer_that_breaks_off_has_no_end(self, coding: str, serve: Serve) -> None:
        stream = Stream(b"one\n", breaks=True)
        stream.go_on.release()
        stream.go_on.release()
        server = await serve(Compression(stream))
        decoder = Decoder(coding)
        async with connected(server.address) as client:
            await client.send(f"GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: {coding}\r\n\r\n".encode())
            await client.answer(to_head=True)
            assert decoder.feed(await client.chunk()) == b"one\n"
            assert await client.rest() == b""
        assert not decoder.ended

    async def test_events_pass_as_they_are(self) -> None:
        stream = Stream(b"data: 1\n\n", content_type=b"text/event-stream")
        stream.go_on.release()
        stream.go_on.release()
        call = await asked(stream, "gzip, zstd")
        assert call.body == b"data: 1\n\n"
        assert "vary" not in call.headers


async def test_head_tells_what_get_would(serve: Serve) -> None:
    server = await serve(Compression(whole()))
    async with connected(server.address) as client:
        heads = {}
        for method in ("GET", "HEAD"):
            await client.send(f"{method} / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n".encode())
            answer = await client.answer(to_head=method == "HEAD")
            heads[method] = answer.headers
    del heads["GET"]["date"], heads["HEAD"]["date"]
    assert heads["GET"] == heads["HEAD"]


@pytest.mark.parametrize("accept_encoding", ["gzip", "zstd", "gzip;q=0.5, identity;q=0", "identity"])
@pytest.mark.parametrize("body", [b"", b"short", LONG, LONG * 40])
@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, [(b"content-type", b"application/json"), (b"etag", b'"x"')]),
        (200, [(b"content-type", b"application/json"), (b"content-encoding", b"br")]),
        (200, [(b"content-type", b"image/png")]),
        (206, [(b"content-type", b"text/plain")]),
        (304, []),
    ],
)
async def test_an_answer_sent_at_once_is_coded_as_one_in_messages_is(
    status: int, headers: Headers, body: bytes, accept_encoding: str
) -> None:
    described = [*headers, (b"content-length", b"%d" % len(body))]

    async def in_messages(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": described})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def at_once(_: Scope, __: Receive, send: Send) -> None:
        await send_whole(send, status, described, body)

    assert (await asked(at_once, accept_encoding)).sent == (await asked(in_messages, accept_encoding)).sent
