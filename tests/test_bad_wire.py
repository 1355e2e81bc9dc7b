"""What bytes that no stub would send get over gRPC."""

import grpc
import pytest
from modelwire.v1beta import chat_pb2
from support.bad_calls import CHAT, grpc_error, length
from support.stack import Stack


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        pytest.param(b"\x0a\x05ab", "malformed", id="truncated"),
        pytest.param(b"\xff" * 20, "malformed", id="noise"),
        pytest.param(b"\x0a\x02\xff\xfe", "UTF-8", id="a string that is not UTF-8"),
    ],
)
async def test_grpc_bytes_that_are_no_message(wire: bytes, says: str, stack: Stack) -> None:
    error = await grpc_error(stack.grpc_address, CHAT, wire)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert says in error.details()


async def test_grpc_depth_200(stack: Stack) -> None:
    value = b"\x1a\x01x"
    for _ in range(200):
        struct = b"\x0a" + length(b"\x0a\x01a\x12" + length(value))
        value = b"\x2a" + length(struct)
    request = b"\x0a\x08scripted\x12" + length(b"\x0a" + length(b"\x0a\x01a\x12" + length(value)))
    error = await grpc_error(stack.grpc_address, CHAT, request)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("messages[0].")


async def test_an_overflow_member_that_bears_a_declared_name(stack: Stack) -> None:
    request = chat_pb2.ChatCompletionsRequest(model="scripted")
    request.messages.add().update({"role": "user", "content": "Hi"})
    request.extra_fields.update({"temperature": 1})
    error = await grpc_error(stack.grpc_address, CHAT, request.SerializeToString())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "extra_fields.temperature" in error.details()
