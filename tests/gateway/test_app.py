"""The gateway in front of a scripted service, through either backend: over HTTP, or as the ASGI app it is."""

import asyncio
import base64
import gc
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc import error_details_pb2, status_pb2
from modelwire_gateway.app import Transcoder
from modelwire_gateway.exchange import BrokenAnswerError
from modelwire_gateway.options import GatewayOptions, JsonOptions
from modelwire_gateway.routing.routes import RouteErrors
from starlette.applications import Starlette
from starlette.routing import Mount
from support.asgi_calls import AsgiCall
from support.fronted import ONE, Fronted, answer, answers, body, get, over_http
from support.promptness import happens_within_100_ms
from support.scripted_service import ScriptedService, backend_to

CompileServices = Callable[[str], tuple[ServiceDescriptor, ...]]
OTHER = """
syntax = "proto3"; package o; import "google/api/annotations.proto";
message M { string name = 1; M child = 2; }
service Other { rpc Get(M) returns (M) { option (google.api.http) = { get: "/other/{name}" }; } }
"""


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


class TestLog:
    @pytest.mark.parametrize(
        ("method", "path", "told"),
        [
            ("GET", "/nowhere?key=secret", ("GET", "/nowhere", 404)),
            ("PUT", "/unary?key=secret", ("PUT", "/unary", 405)),
            ("GET", "/unary?key=secret&color=red", ("GET", "/unary", 400)),
            ("POST", "/upload?color=red", ("POST", "/upload", 400)),
            ("GET", "/" + "x" * 200, ("GET", f"/{'x' * 98}\u2026", 404)),
        ],
    )
    async def test_what_the_gateway_refuses_is_one_line(
        self, method: str, path: str, told: tuple[str, str, int], fronted: Fronted, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "modelwire.gateway")
        async with fronted() as app:
            call = await AsgiCall(method, path, headers=[("x-request-id", "mine")]).run(app)
        (record,) = caplog.records
        why = json.loads(call.body)["error"]["message"][:200]
        assert "secret" not in why
        fields = {"id": "mine", "method": told[0], "path": told[1], "status": told[2], "error": why}
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


class TestRoutes:
    """Which routes there are, and how they change while they are served."""

    async def test_until_the_services_are_known_callers_are_asked_to_come_back(
        self, services: tuple[ServiceDescriptor, ...]
    ) -> None:
        async with backend_to("local", ScriptedService(services, Unary=answer(ONE))) as backend:
            app = Transcoder(None, backend)
            before = await get(app, "/unary")
            assert app.routes == ()
            app.serve(services)
            after = await get(app, "/unary")
        error = json.loads(before.body)["error"]
        assert (before.status, before.headers["retry-after"]) == (503, "1")
        assert (error["status"], error["details"][0]["reason"]) == ("UNAVAILABLE", "ROUTES_UNKNOWN")
        assert after.status == 200

    async def test_a_service_of_nothing_knows_no_route(self) -> None:
        call = await get(Transcoder((), Failing()), "/unary")
        assert (call.status, json.loads(call.body)["error"]["message"]) == (
            404,
            "no route for GET /unary; there are: none",
        )

    async def test_routes_that_cannot_be_served_leave_those_before(
        self, services: tuple[ServiceDescriptor, ...], compile_services: CompileServices
    ) -> None:
        app = Transcoder(services, Failing())
        routes = app.routes
        with pytest.raises(RouteErrors, match="names no field 'nope'"):
            app.serve(compile_services(OTHER.replace("/other/{name}", "/other/{nope}")))
        assert app.routes == routes
        assert (await get(app, "/other/x")).status == 404

    async def test_a_call_under_way_goes_on_with_the_routes_it_began_with(
        self, services: tuple[ServiceDescriptor, ...], compile_services: CompileServices
    ) -> None:
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def slow(_: bytes, __: Any) -> AsyncIterator[bytes]:
            entered.set()
            await go_on.wait()
            yield ONE

        async with backend_to("local", ScriptedService(services, Stream=slow)) as backend:
            app = Transcoder(services, backend)
            call = asyncio.create_task(get(app, "/stream"))
            await entered.wait()
            app.serve(compile_services(OTHER))
            go_on.set()
            assert (await call).body == b'[{"name":"1"}]'
            assert [str(route.template) for route in app.routes] == ["/other/{name}"]
            assert (await get(app, "/stream")).status == 404

    async def test_routes_that_were_replaced_are_forgotten(self, compile_services: CompileServices) -> None:
        class Answering(Failing):
            async def __anext__(self) -> bytes:
                if self._messages:
                    return self._messages.pop()
                raise StopAsyncIteration

        services: Any = compile_services(OTHER)
        app = Transcoder(services, Answering(ONE))
        assert (await get(app, "/other/x?child.name=z")).body == b'{"name":"1"}'
        pool = services[0].file.pool
        del services
        assert sys.getrefcount(pool) > 2
        app.serve(())
        gc.collect()
        assert sys.getrefcount(pool) == 2  # by this test alone


class TestOptions:
    async def test_errors_may_be_the_bare_status(self, services: tuple[ServiceDescriptor, ...]) -> None:
        async def fail(_: bytes, context: Any) -> AsyncIterator[bytes]:
            await context.send_initial_metadata((("quota", "0"), ("other", "1")))
            for _index in range(dict(context.invocation_metadata()).get("late") == "1"):
                yield ONE
            await context.abort(grpc.StatusCode.NOT_FOUND, "gone")

        options = GatewayOptions(error_body="status", exposed_metadata=frozenset({"quota"}))
        async with backend_to("local", ScriptedService(services, Stream=fail)) as backend:
            app = Transcoder(services, backend, options)
            early = await get(app, "/stream")
            late = await get(app, "/stream?alt=sse", ("grpc-metadata-late", "1"))
            refused = await get(app, "/nowhere")
        status = {"code": 5, "message": "gone", "details": []}
        assert (early.status, json.loads(early.body)) == (404, status)
        assert (early.headers["quota"], early.headers["grpc-metadata-other"]) == ("0", "1")
        assert late.headers["quota"] == "0"
        assert json.loads(late.body.split(b"data: ")[-1]) == {"error": status}
        assert json.loads(refused.body)["code"] == 5

    async def test_answers_are_written_as_the_options_have_it(self, services: tuple[ServiceDescriptor, ...]) -> None:
        options = GatewayOptions(json=JsonOptions(print_zero_values=True))
        async with backend_to("local", ScriptedService(services, Unary=answer(ONE))) as backend:
            call = await get(Transcoder(services, backend, options), "/unary")
        assert json.loads(call.body) == {"name": "1", "nums": [], "sizes": {}, "big": "0", "raws": []}


class TestMounted:
    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/api/unary/x", 200),
            ("/api/unary/a%2Fb", 200),
            ("/%61pi/unary/x", 200),
            ("/api%2Funary/x", 404),
            ("/api/", 404),
            ("/unary/x", 404),
        ],
    )
    async def test_the_path_is_read_below_the_mount(
        self, path: str, status: int, services: tuple[ServiceDescriptor, ...]
    ) -> None:
        async def echo(request: bytes, _: Any) -> bytes:
            return request

        async with backend_to("local", ScriptedService(services, Unary=echo)) as backend:
            outer = Starlette(routes=[Mount("/api", Transcoder(services, backend))])
            async with over_http(outer) as client:
                response = await client.post(path)
        assert response.status_code == status
        if status == 200:
            assert response.json() == {"name": "a/b" if "%2F" in path else "x"}

    @pytest.mark.parametrize(
        ("root", "raw_path", "status"),
        [
            ("/a b", b"/a%20b/unary", 200),
            ("/\u00fc/", b"/%C3%BC/unary", 200),
            ("/\u00fc/", b"/%c3%bc/unary", 200),
            ("/api", b"/unary", 200),  # a server that leaves it out
            ("/api", b"/apis/unary", 404),
            ("/api/v1", b"/api", 404),
            ("/" + "x" * 64, b"/%78" * 15, 404),
        ],
    )
    async def test_what_a_mount_is_called_may_be_spelled_in_any_way(
        self, root: str, raw_path: bytes, status: int, services: tuple[ServiceDescriptor, ...]
    ) -> None:
        async with backend_to("local", ScriptedService(services, Unary=answer(b""))) as backend:
            call = await get(Transcoder(services, backend), "/", root_path=root, raw_path=raw_path)
        assert call.status == status
