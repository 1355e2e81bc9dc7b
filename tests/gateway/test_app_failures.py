"""Calls through the gateway that fail: in the service, in the backend, or because the client has left."""

import asyncio
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
from support.failing_backend import Failing
from support.fronted import ONE, Fronted, answer, body, get, over_http
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
