"""The gateway in front of a scripted service, through either backend: over HTTP, or as the ASGI app it is."""

import base64
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.options import GatewayOptions, JsonOptions
from starlette.applications import Starlette
from starlette.routing import Mount
from support.asgi_calls import AsgiCall
from support.failing_backend import Failing
from support.fronted import ONE, Fronted, answer, answers, get, over_http
from support.scripted_service import ScriptedService, backend_to


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
