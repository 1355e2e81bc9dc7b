"""What becomes of a service's messages, metadata and errors, through either backend."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from support.fronted import ONE, TWO, Fronted, answer, answers, body, field, get, over_http


class TestUnary:
    @pytest.mark.parametrize("query", ["", "?alt=json", "?alt=sse", "?prettyPrint=false"])
    async def test_json_on_one_line(self, query: str, fronted: Fronted) -> None:
        async with fronted(Unary=answer(ONE)) as app:
            call = await get(app, "/unary" + query, ("accept", "text/event-stream"))
        assert (call.status, call.body) == (200, b'{"name":"1"}')
        assert call.headers["content-type"] == "application/json"
        assert call.headers["content-length"] == "12"

    async def test_pretty_print(self, fronted: Fronted) -> None:
        async with fronted(Unary=answer(ONE)) as app:
            call = await get(app, "/unary?prettyPrint=true")
        assert call.body == b'{\n  "name": "1"\n}'

    @pytest.mark.parametrize(
        ("name", "absent", "response", "present"),
        [
            ("name", '""', ONE, '"1"'),
            ("nums", "[]", b"\x12\x01\x07", "[7]"),
            ("sizes", "{}", b"\x1a\x05\x0a\x01a\x10\x02", '{"a":2}'),
            ("child", "null", b"\x22\x00", "{}"),
            ("big", '"0"', b"\x28\x07", '"7"'),
            ("maybe", "null", b"\x40\x00", "false"),
            ("raws", "[]", field(7, body(b"x", "a/b")), '[{"contentType":"a/b","data":"eA=="}]'),
        ],
    )
    async def test_a_field_in_place_of_the_whole(
        self, name: str, absent: str, response: bytes, present: str, fronted: Fronted
    ) -> None:
        async with fronted(Unary=answer(b"")) as app:
            assert (await get(app, f"/field/{name}")).body.decode() == absent
        async with fronted(Unary=answer(response)) as app:
            assert (await get(app, f"/field/{name}")).body.decode() == present

    @pytest.mark.parametrize(
        ("response", "content_type", "data"),
        [
            pytest.param(body(b"\x00\xff", "image/png"), "image/png", b"\x00\xff", id="whole"),
            pytest.param(body(b"x"), "application/octet-stream", b"x", id="without a type"),
            pytest.param(b"", "application/octet-stream", b"", id="empty"),
        ],
    )
    async def test_an_http_body_is_passed_on(
        self, response: bytes, content_type: str, data: bytes, fronted: Fronted
    ) -> None:
        in_field = field(6, response) if response else b""
        async with fronted(Raw=answer(response), Unary=answer(in_field)) as app:
            for path in ("/raw", "/field/raw"):
                call = await get(app, path + "?prettyPrint=true")
                assert (call.headers["content-type"], call.body) == (content_type, data)
                assert call.headers["content-length"] == str(len(data))


class TestStreams:
    @pytest.mark.parametrize(
        ("query", "accept", "content_type", "two", "none"),
        [
            ("", "*/*", "application/json", b'[{"name":"1"},{"name":"2"}]', b"[]"),
            ("", "application/x-ndjson", "application/x-ndjson", b'{"name":"1"}\n{"name":"2"}\n', b""),
            ("", "text/event-stream", "text/event-stream", b'data: {"name":"1"}\n\ndata: {"name":"2"}\n\n', b""),
            ("?alt=sse", "*/*", "text/event-stream", b'data: {"name":"1"}\n\ndata: {"name":"2"}\n\n', b""),
            ("?alt=json", "text/event-stream", "application/json", b'[{"name":"1"},{"name":"2"}]', b"[]"),
            ("?prettyPrint=true", "application/x-ndjson", "application/x-ndjson", b'{"name":"1"}\n{"name":"2"}\n', b""),
        ],
    )
    async def test_framings(
        self, query: str, accept: str, content_type: str, two: bytes, none: bytes, fronted: Fronted
    ) -> None:
        for responses, expected in (((ONE, TWO), two), ((), none)):
            async with fronted(Stream=answers(*responses)) as app:
                call = await get(app, "/stream" + query, ("accept", accept))
            assert (call.status, call.body, call.headers["content-type"]) == (200, expected, content_type)
            is_events = content_type == "text/event-stream"
            assert (call.headers.get("cache-control") == "no-cache") is is_events
            assert (call.headers.get("x-accel-buffering") == "no") is is_events

    async def test_a_field_of_each_message(self, fronted: Fronted) -> None:
        async with fronted(Stream=answers(ONE, TWO, b"")) as app:
            assert (await get(app, "/streamed/name")).body == b'["1","2",""]'

    @pytest.mark.parametrize("path", ["/raws", "/streamed/raw"])
    async def test_http_bodies_are_put_together(self, path: str, fronted: Fronted) -> None:
        responses = [body(b"one", "text/html"), body(b""), body(b"\x00two", "text/plain")]
        async with fronted(Raws=answers(*responses), Stream=answers(*(field(6, r) for r in responses))) as app:
            call = await get(app, path, ("accept", "text/event-stream"))
        assert (call.headers["content-type"], call.body) == ("text/html", b"one\x00two")

    async def test_no_http_body_at_all(self, fronted: Fronted) -> None:
        async with fronted(Raws=answers()) as app:
            call = await get(app, "/raws")
        assert (call.status, call.headers["content-type"], call.body) == (200, "application/octet-stream", b"")

    @pytest.mark.parametrize("path", ["/stream", "/raws"])
    @pytest.mark.parametrize("accept", ["*/*", "application/x-ndjson", "text/event-stream"])
    async def test_an_error_before_the_first_message_has_its_true_status(
        self, path: str, accept: str, fronted: Fronted
    ) -> None:
        refusing = answers(ends=grpc.StatusCode.NOT_FOUND)
        async with fronted(Stream=refusing, Raws=refusing) as app:
            call = await get(app, path, ("accept", accept))
        assert (call.status, call.headers["content-type"]) == (404, "application/json")
        assert json.loads(call.body)["error"]["status"] == "NOT_FOUND"

    async def test_a_late_error_is_an_event(self, fronted: Fronted) -> None:
        async with fronted(Stream=answers(ONE, ends=grpc.StatusCode.ABORTED)) as app:
            call = await get(app, "/stream?alt=sse")
        first, error, rest = call.body.split(b"\n\n")
        assert (first, rest) == (b'data: {"name":"1"}', b"")
        assert json.loads(error.removeprefix(b"data: "))["error"]["code"] == 409

    async def test_a_late_error_is_an_event_in_raw_events_too(self, fronted: Fronted) -> None:
        events = body(b"data: 1\n\nda", "text/event-stream; charset=utf-8")
        async with fronted(Raws=answers(events, body(b"ta: 2"), ends=grpc.StatusCode.ABORTED)) as app:
            call = await get(app, "/raws")
        first, half, error, rest = call.body.split(b"\n\n")
        assert (first, half, rest) == (b"data: 1", b"data: 2", b"")
        assert json.loads(error.removeprefix(b"data: "))["error"]["status"] == "ABORTED"

    async def test_a_late_error_is_a_line(self, fronted: Fronted) -> None:
        async with fronted(Stream=answers(ONE, ends=grpc.StatusCode.ABORTED)) as app:
            call = await get(app, "/stream", ("accept", "application/x-ndjson"))
        first, error = call.body.splitlines()
        assert first == b'{"name":"1"}'
        assert json.loads(error)["error"]["status"] == "ABORTED"

    @pytest.mark.parametrize(("path", "said"), [("/stream", b'[{"name":"1"}'), ("/raws", b"one")])
    async def test_a_late_error_breaks_arrays_and_raw_bodies_off(
        self, path: str, said: bytes, fronted: Fronted
    ) -> None:
        stream, raws = answers(ONE, ends=grpc.StatusCode.ABORTED), answers(body(b"one"), ends=grpc.StatusCode.ABORTED)
        async with fronted(Stream=stream, Raws=raws) as app, over_http(app) as client:
            async with client.stream("GET", path) as response:
                pieces = response.aiter_bytes()
                assert (response.status_code, await anext(pieces)) == (200, said)
                with pytest.raises(httpx.RemoteProtocolError):
                    await anext(pieces)
            assert (await client.get("/nowhere")).status_code == 404

    async def test_each_message_is_sent_before_the_next_exists(self, fronted: Fronted) -> None:
        received: asyncio.Queue[int] = asyncio.Queue()

        async def in_step(_: bytes, __: Any) -> AsyncIterator[bytes]:
            for index in range(4):
                yield b"\x0a\x01%d" % index
                assert await received.get() == index

        index = 0
        async with (
            fronted(Stream=in_step) as app,
            over_http(app) as client,
            client.stream("GET", "/stream?alt=sse") as response,
        ):
            async for piece in response.aiter_bytes():
                assert piece == b'data: {"name":"%d"}\n\n' % index
                received.put_nowait(index)
                index += 1
        assert index == 4


class TestMetadata:
    @pytest.mark.parametrize("path", ["/unary", "/stream", "/raws"])
    @pytest.mark.parametrize("ends", [None, grpc.StatusCode.NOT_FOUND])
    async def test_what_the_caller_sees(self, path: str, ends: grpc.StatusCode | None, fronted: Fronted) -> None:
        metadata: dict[str, Any] = {
            "first": (("quota", "7"), ("raw-bin", b"\x01"), ("x-request-id", "theirs")),
            "last": (("cost", "3"),),
        }
        responses = () if ends else (b"",)
        streaming = answers(*responses, ends=ends, **metadata)
        async with fronted(Unary=answer(b"", ends=ends, **metadata), Stream=streaming, Raws=streaming) as app:
            call = await get(app, path, ("te", "trailers"), offers_trailers=True)
            unasked = await get(app, path, offers_trailers=True)
        assert call.status == (404 if ends else 200)
        assert (call.headers["grpc-metadata-quota"], call.headers["grpc-metadata-raw-bin"]) == ("7", "AQ==")
        assert "grpc-metadata-x-request-id" not in call.headers
        assert call.trailers == {"grpc-trailer-cost": "3"}
        assert unasked.trailers is None
        assert unasked.body == call.body

    async def test_the_metadata_of_a_late_error_are_trailers(self, fronted: Fronted) -> None:
        late = answers(ONE, ends=grpc.StatusCode.ABORTED, last=(("cost", "3"),))
        async with fronted(Stream=late) as app:
            call = await get(app, "/stream?alt=sse", ("te", "trailers"), offers_trailers=True)
        assert call.trailers == {"grpc-trailer-cost": "3"}


class TestUnreadable:
    @pytest.mark.parametrize("path", ["/unary", "/stream", "/raw", "/raws", "/field/name", "/field/raw"])
    async def test_a_response_nobody_can_read_is_internal(
        self, path: str, fronted: Fronted, caplog: pytest.LogCaptureFixture
    ) -> None:
        bad = b"\x0a\x05ab"
        async with fronted(Unary=answer(bad), Stream=answers(bad), Raw=answer(bad), Raws=answers(bad)) as app:
            call = await get(app, path)
        error = json.loads(call.body)["error"]
        assert (call.status, error["status"]) == (500, "INTERNAL")
        assert error["message"] == "the service's response cannot be read"
        assert "cannot be read" in caplog.text

    async def test_one_that_comes_late_is_a_late_error(self, fronted: Fronted) -> None:
        async with fronted(Stream=answers(ONE, b"\x0a\x05ab")) as app:
            call = await get(app, "/stream?alt=sse")
        assert call.body.count(b"data: ") == 2
        assert b'"status":"INTERNAL"' in call.body
