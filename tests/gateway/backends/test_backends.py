"""One contract for both backends: a service behaves the same in this process and over a channel."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from modelwire_gateway.errors import RpcFailure
from support.serving import Harness, echo, name_of, received


async def test_unary(harness: Harness) -> None:
    async with harness.serving(Unary=echo) as serving:
        assert await received(serving.call("Unary", b"\x0a\x01x")) == [b"\x0a\x01x"]


async def test_server_stream(harness: Harness) -> None:
    async def count(request: bytes, _: Any) -> AsyncIterator[bytes]:
        for index in range(3):
            yield request + b"%d" % index

    async with harness.serving(Stream=count) as serving:
        assert await received(serving.call("Stream", b"n")) == [b"n0", b"n1", b"n2"]


async def test_client_streams(harness: Harness) -> None:
    async def collect(requests: AsyncIterator[bytes], _: Any) -> bytes:
        return b"".join([request async for request in requests])

    async def chat(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request * 2

    async def sent() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    async with harness.serving(Collect=collect, Chat=chat) as serving:
        assert await received(serving.call("Collect", sent())) == [b"ab"]
        assert await received(serving.call("Chat", sent())) == [b"aa", b"bb"]


async def test_large_answers_pass(harness: Harness) -> None:
    async def large(_: bytes, __: Any) -> bytes:
        return bytes(10_000_000)

    async with harness.serving(Unary=large) as serving:
        assert [len(message) for message in await received(serving.call("Unary"))] == [10_000_000]


async def test_metadata_in_and_out(harness: Harness) -> None:
    seen: dict[str, Any] = {}

    async def tell(_: bytes, context: Any) -> AsyncIterator[bytes]:
        seen.update(context.invocation_metadata())
        await context.send_initial_metadata((("first", "1"), ("first-bin", b"\x01")))
        context.set_trailing_metadata((("last", "2"), ("last-bin", b"\xff")))
        yield b"x"

    async with harness.serving(Stream=tell) as serving:
        call = serving.call("Stream", who="me", raw_bin=b"\x00\xff")
        assert await anext(call) == b"x"
        assert dict(await call.initial_metadata()).items() >= {"first": "1", "first-bin": b"\x01"}.items()
        assert [message async for message in call] == []
        assert dict(call.trailing_metadata()) == {"last": "2", "last-bin": b"\xff"}
        await call.aclose()
    assert seen.items() >= {"who": "me", "raw-bin": b"\x00\xff"}.items()


async def test_an_error_with_details_and_trailing_metadata(harness: Harness) -> None:
    status = status_pb2.Status(code=5, message="gone")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="GONE"))

    async def refuse(_: bytes, context: Any) -> bytes:
        await context.send_initial_metadata((("quota", "0"),))
        trailing = (("grpc-status-details-bin", status.SerializeToString()), ("last", "2"))
        await context.abort(grpc.StatusCode.NOT_FOUND, "gone", trailing)
        raise AssertionError

    async with harness.serving(Unary=refuse) as serving:
        call = serving.call("Unary")
        with pytest.raises(RpcFailure) as raised:
            await anext(call)
        assert raised.value.status == status
        assert raised.value.trailing_metadata == (("last", "2"),)
        assert dict(await call.initial_metadata())["quota"] == "0"
        await call.aclose()


class Ended(NamedTuple):
    """What grpc_status.rpc_status.to_status makes (grpc.Status)."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str], ...]


async def test_an_error_that_is_given_as_one_status(harness: Harness) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        await context.abort_with_status(Ended(grpc.StatusCode.NOT_FOUND, "gone", (("last", "2"),)))
        raise AssertionError

    async with harness.serving(Unary=refuse) as serving:
        error = await serving.failure("Unary")
    assert (name_of(error), error.status.message) == ("NOT_FOUND", "gone")
    assert error.trailing_metadata == (("last", "2"),)


@pytest.mark.parametrize(
    ("details", "message"),
    [
        pytest.param(b"\xff", "gone", id="unreadable"),
        pytest.param(status_pb2.Status(code=13, message="more").SerializeToString(), "more", id="of another code"),
        pytest.param(status_pb2.Status(message="more").SerializeToString(), "more", id="without a code"),
    ],
)
async def test_the_status_of_grpc_itself_decides(details: bytes, message: str, harness: Harness) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.NOT_FOUND, "gone", (("grpc-status-details-bin", details),))
        raise AssertionError

    async with harness.serving(Unary=refuse) as serving:
        error = await serving.failure("Unary")
    assert (name_of(error), error.status.message) == ("NOT_FOUND", message)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
async def test_every_code_arrives(code: grpc.StatusCode, harness: Harness) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        await context.abort(code, "because")
        raise AssertionError

    async def stop(_: bytes, context: Any) -> AsyncIterator[bytes]:
        yield b"x"
        await context.abort(code, "because")

    async with harness.serving(Unary=refuse, Stream=stop) as serving:
        error = await serving.failure("Unary")
        assert (name_of(error), error.status.message) == (code.name, "because")
        call = serving.call("Stream")
        assert await anext(call) == b"x"
        with pytest.raises(RpcFailure) as raised:
            await anext(call)
        await call.aclose()
    assert (name_of(raised.value), raised.value.status.message) == (code.name, "because")


async def test_a_code_that_is_set_counts_like_one_aborted_with(harness: Harness) -> None:
    async def refuse(_: bytes, context: Any) -> bytes:
        context.set_code(grpc.StatusCode.ABORTED)
        context.set_details("set")
        return b"x"

    async def stop(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield await refuse(request, context)

    async with harness.serving(Unary=refuse, Stream=stop) as serving:
        error = await serving.failure("Unary")
        assert (name_of(error), error.status.message) == ("ABORTED", "set")
        call = serving.call("Stream")
        assert await anext(call) == b"x"
        with pytest.raises(RpcFailure, match="set"):
            await anext(call)
        await call.aclose()


async def test_an_exception_in_a_handler_leaks_nothing(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: bytes, __: Any) -> bytes:
        raise ValueError("the secret")

    async def fail_late(_: bytes, __: Any) -> AsyncIterator[bytes]:
        yield b"x"
        raise ValueError("the secret")

    async with harness.serving(Unary=fail, Stream=fail_late) as serving:
        error = await serving.failure("Unary", x_request_id="id-1")
        call = serving.call("Stream")
        assert await anext(call) == b"x"
        with pytest.raises(RpcFailure) as raised:
            await anext(call)
        await call.aclose()
    for failed in (error, raised.value):
        assert name_of(failed) == "UNKNOWN"
        assert "secret" not in str(failed.status)
        assert "ValueError" not in str(failed.status)
    assert "the secret" in caplog.text
    assert harness.name == "remote" or "id-1" in caplog.text


async def test_an_unknown_method_is_unimplemented(harness: Harness) -> None:
    async with harness.serving() as serving:
        unary, stream = await serving.failure("Unary"), await serving.failure("Stream")
    assert (name_of(unary), name_of(stream)) == ("UNIMPLEMENTED", "UNIMPLEMENTED")
    assert unary.status.message == stream.status.message == "the service does not serve this method"


class Noted(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    def __init__(self, name: str, notes: list[str]) -> None:
        self._name = name
        self._notes = notes

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        who = dict(details.invocation_metadata).get("who")
        self._notes.append(f"{self._name} {details.method} {who}")
        return await continuation(details)


async def test_interceptors_run_once_and_in_order(harness: Harness) -> None:
    notes: list[str] = []
    async with harness.serving(Noted("outer", notes), Noted("inner", notes), Unary=echo) as serving:
        await received(serving.call("Unary", who="me"))
    assert notes == ["outer /t.S/Unary me", "inner /t.S/Unary me"]


async def test_an_interceptor_that_fails_leaks_nothing(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(grpc.aio.ServerInterceptor):  # type: ignore[misc]
        async def intercept_service(self, _: Any, __: Any) -> Any:
            raise ValueError("the secret")

    async with harness.serving(Failing(), Unary=echo) as serving:
        error = await serving.failure("Unary")
    assert name_of(error) == "UNKNOWN"
    assert "secret" not in error.status.message
    assert "the secret" in caplog.text


async def test_handlers_see_the_time_that_is_left(harness: Harness) -> None:
    left: list[float | None] = []

    async def look(_: bytes, context: Any) -> bytes:
        left.append(context.time_remaining())
        return b""

    async with harness.serving(Unary=look) as serving:
        await received(serving.call("Unary", timeout=60))
        await received(serving.call("Unary"))
        await received(serving.call("Unary", timeout=99_999_999 * 3600.0))
    with_limit, without, with_a_huge_one = left
    assert with_limit is not None
    assert 50 < with_limit <= 60
    assert without is None
    assert with_a_huge_one is not None
    assert with_a_huge_one > 10_000_000


async def test_the_backend_is_ready(harness: Harness) -> None:
    async with harness.serving() as serving:
        assert await serving.backend.ready()
