"""The gateway in front of a scripted service, through either backend: over HTTP, or as the ASGI app it is."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc import error_details_pb2, status_pb2
from modelwire_gateway.app import Transcoder
from modelwire_gateway.exchange import BrokenAnswerError
from support.asgi_calls import AsgiCall
from support.fronted import ONE, Fronted, answer, answers, body, get, over_http
from support.promptness import happens_within_100_ms


class TestErrors:
    async def test_details_and_hints_reach_the_caller(self, fronted: Fronted) -> None:
        status = status_pb2.Status(code=8, message="slow down")
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason="TOO_FAST"))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay={"seconds": 1, "nanos": 200_000_000}))
        trailing = (("grpc-status-details-bin", status.SerializeToString()),)
        async with fronted(Unary=answer(b"", ends=grpc.StatusCode.RESOURCE_EXHAUSTED, last=trailing)) as app:
            call = await get(app, "/unary")
        error = json.loads(call.body)["error"]
        assert (call.status, error["message"], error["details"][0]["reason"]) == (429, "slow down", "TOO_FAST")
        assert (call.headers["retry-after"], call.headers["retry-after-ms"]) == ("2", "1200")

    async def test_401_says_how_to_authenticate(self, fronted: Fronted) -> None:
        async with fronted(Unary=answer(b"", ends=grpc.StatusCode.UNAUTHENTICATED)) as app:
            call = await get(app, "/unary")
        assert (call.status, call.headers["www-authenticate"]) == (401, "Bearer")

    async def test_an_exception_in_the_service_leaks_nothing(
        self, fronted: Fronted, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def fail(_: bytes, __: Any) -> bytes:
            raise ValueError("the secret")

        async with fronted(Unary=fail) as app:
            call = await get(app, "/unary")
        assert (call.status, json.loads(call.body)["error"]["status"]) == (500, "UNKNOWN")
        assert b"secret" not in call.body
        assert b"Traceback" not in call.body
        assert "the secret" in caplog.text

    async def test_a_deadline(self, fronted: Fronted) -> None:
        async def wait(_: bytes, __: Any) -> bytes:
            await asyncio.Event().wait()
            raise AssertionError

        async with fronted(Unary=wait) as app:
            call = await get(app, "/unary", ("grpc-timeout", "50m"))
        assert (call.status, json.loads(call.body)["error"]["status"]) == (504, "DEADLINE_EXCEEDED")

    async def test_a_deadline_in_mid_stream(self, fronted: Fronted) -> None:
        async def wait(_: bytes, __: Any) -> AsyncIterator[bytes]:
            yield ONE
            await asyncio.Event().wait()

        async with fronted(Stream=wait) as app:
            call = await get(app, "/stream?alt=sse", ("grpc-timeout", "300m"))
        assert b'"status":"DEADLINE_EXCEEDED"' in call.body


class TestMetadata:
    async def test_what_the_service_sees(self, fronted: Fronted) -> None:
        seen: list[tuple[str, Any]] = []

        async def look(_: bytes, context: Any) -> bytes:
            seen.extend(context.invocation_metadata())
            return b""

        headers = [
            ("Authorization", "Bearer a"),
            ("Grpc-Metadata-Authorization", "Bearer b"),
            ("Grpc-Metadata-Raw-Bin", base64.b64encode(b"\x00\xff").decode()),
            ("Grpc-Metadata-Connection", "close"),
            ("Connection", "keep-alive"),
            ("X-Request-Id", "mine"),
            ("Cookie", "c"),
        ]
        async with fronted(Unary=look) as app:
            await get(app, "/unary?key=secret", *headers)
        told = [(key, value) for key, value in seen if key != "user-agent"]
        assert told == [
            ("authorization", "Bearer a"),
            ("raw-bin", b"\x00\xff"),
            ("x-goog-api-key", "secret"),
            ("x-request-id", "mine"),
        ]

    @pytest.mark.parametrize("path", ["/unary", "/stream", "/nowhere", "/unary?color=red", "/raw"])
    async def test_every_answer_bears_the_id(self, path: str, fronted: Fronted) -> None:
        async with fronted(Unary=answer(b""), Stream=answers()) as app:
            call = await get(app, path, ("x-request-id", "mine"))
            other = await get(app, path)
        assert call.headers["x-request-id"] == "mine"
        assert other.headers["x-request-id"].startswith("req_")


class TestMethods:
    @pytest.mark.parametrize(
        ("method", "path", "status", "allow"),
        [
            ("HEAD", "/head", 200, None),
            ("OPTIONS", "/options", 200, None),
            ("HEAD", "/unary", 405, "GET"),
            ("OPTIONS", "/unary", 405, "GET"),
            ("GET", "/unary/x", 405, "POST"),
            ("GET", "/head", 405, "HEAD"),
            ("OPTIONS", "*", 404, None),
        ],
    )
    async def test_methods_are_served_where_they_are_bound(
        self, method: str, path: str, status: int, allow: str | None, fronted: Fronted
    ) -> None:
        async with fronted(Unary=answer(ONE)) as app:
            call = await AsgiCall(method, path, headers=[("x-http-method-override", "GET")]).run(app)
        assert (call.status, call.headers.get("allow")) == (status, allow)

    async def test_head_over_http_has_no_body(self, fronted: Fronted) -> None:
        async with fronted(Unary=answer(ONE)) as app, over_http(app) as client:
            bound, unknown = await client.head("/head"), await client.head("/nowhere")
        assert (bound.status_code, bound.headers["content-length"], bound.content) == (200, "12", b"")
        assert (unknown.status_code, unknown.content) == (404, b"")

    async def test_a_client_streaming_method_is_not_half_served(self, fronted: Fronted) -> None:
        async with fronted() as app:
            call = await AsgiCall("POST", "/upload", body=b"[{}]").run(app)
        error = json.loads(call.body)["error"]
        assert (call.status, error["status"]) == (501, "UNIMPLEMENTED")
        assert "t.S.Upload" in error["message"]


class TestLog:
    @pytest.mark.parametrize(
        ("method", "path", "told"),
        [
            ("GET", "/nowhere?key=secret", ("GET", "/nowhere", 404)),
            ("PUT", "/unary?key=secret", ("PUT", "/unary", 405)),
            ("GET", "/unary?key=secret&color=red", ("GET", "/unary", 400)),
            ("POST", "/upload", ("POST", "/upload", 501)),
            ("GET", "/" + "x" * 200, ("GET", f"/{'x' * 98}\u2026", 404)),
        ],
    )
    async def test_what_the_gateway_refuses_is_one_line(
        self, method: str, path: str, told: tuple[str, str, int], fronted: Fronted, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "modelwire.gateway")
        async with fronted() as app:
            await AsgiCall(method, path, headers=[("x-request-id", "mine")]).run(app)
        (record,) = caplog.records
        fields = {"id": "mine", "method": told[0], "path": told[1], "status": told[2]}
        assert (record.levelname, record.getMessage(), vars(record)["fields"]) == ("INFO", "refused", fields)

    async def test_what_the_service_answers_is_its_own_to_log(
        self, fronted: Fronted, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "modelwire.gateway")
        async with fronted(Unary=answer(b""), Raw=answer(b"", ends=grpc.StatusCode.NOT_FOUND)) as app:
            await get(app, "/unary")
            await get(app, "/raw")
        assert caplog.records == []


class TestLeaving:
    @pytest.mark.parametrize("path", ["/unary", "/stream", "/raws"])
    @pytest.mark.parametrize("sent", [0, 1])
    async def test_a_client_that_leaves_cancels_the_handler(
        self, path: str, sent: int, fronted: Fronted, caplog: pytest.LogCaptureFixture
    ) -> None:
        entered, cancelled = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        async def unary(_: bytes, __: Any) -> bytes:
            await wait()
            raise AssertionError

        async def stream(_: bytes, __: Any) -> AsyncIterator[bytes]:
            for _index in range(sent):
                yield b""
            await wait()

        async with fronted(Unary=unary, Stream=stream, Raws=stream) as app, over_http(app) as client:
            call = asyncio.create_task(client.get(path))
            await entered.wait()
            call.cancel()
            await happens_within_100_ms(cancelled)
            assert (await client.get("/nowhere")).status_code == 404
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []

    async def test_a_client_that_leaves_a_stream_it_does_not_read_ends_the_handler(self, fronted: Fronted) -> None:
        ended = asyncio.Event()

        async def flood(_: bytes, __: Any) -> AsyncIterator[bytes]:
            try:
                while True:
                    yield body(bytes(2**16))
            finally:
                ended.set()

        async with fronted(Raws=flood) as app, over_http(app) as client:
            async with client.stream("GET", "/raws") as response:
                await anext(response.aiter_bytes())
            async with asyncio.timeout(5):
                await ended.wait()


class Failing:
    """A backend with a defect: it raises what no backend should, when called or after one message."""

    def __init__(self, *messages: bytes) -> None:
        self._messages = list(messages)

    def call(self, *_: Any, **__: Any) -> "Failing":
        return self

    def __aiter__(self) -> "Failing":
        return self

    async def __anext__(self) -> bytes:
        if self._messages:
            return self._messages.pop()
        raise RuntimeError("the secret")

    async def initial_metadata(self) -> tuple[()]:
        return ()

    def trailing_metadata(self) -> tuple[()]:
        return ()

    async def aclose(self) -> None: ...

    async def ready(self) -> bool:
        return True

    async def close(self) -> None: ...


class TestDefects:
    async def test_the_log_has_the_cause_and_the_answer_has_not(
        self, services: tuple[ServiceDescriptor, ...], caplog: pytest.LogCaptureFixture
    ) -> None:
        call = await get(Transcoder(services, Failing()), "/unary?key=k", ("x-request-id", "mine"))
        assert (call.status, json.loads(call.body)["error"]["message"]) == (500, "internal error")
        assert vars(caplog.records[0])["fields"] == {"id": "mine", "method": "GET", "path": "/unary"}
        assert "RuntimeError: the secret" in caplog.text

    async def test_half_an_answer_is_broken_off(
        self, services: tuple[ServiceDescriptor, ...], caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(BrokenAnswerError):
            await get(Transcoder(services, Failing(b"")), "/stream?alt=sse")
        assert "RuntimeError: the secret" in caplog.text

    async def test_a_unary_call_without_a_response_is_internal(self, services: tuple[ServiceDescriptor, ...]) -> None:
        class Mute(Failing):
            async def __anext__(self) -> bytes:
                raise StopAsyncIteration

        call = await get(Transcoder(services, Mute()), "/unary")
        assert (call.status, json.loads(call.body)["error"]["status"]) == (500, "INTERNAL")


class TestAsgi:
    async def test_lifespan(self, services: tuple[ServiceDescriptor, ...]) -> None:
        incoming = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return next(incoming)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await Transcoder(services, Failing())({"type": "lifespan"}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    async def test_websockets_are_not_spoken(self, services: tuple[ServiceDescriptor, ...]) -> None:
        call = AsgiCall("GET", "/", type="websocket")
        with pytest.raises(ValueError, match="websocket"):
            await call.run(Transcoder(services, Failing()))
