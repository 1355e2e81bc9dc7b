"""How large a request may be, in each door."""

from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format
from modelwire.v1beta import chat_pb2
from support.bad_calls import CHAT, grpc_error, length
from support.programs import Program
from support.stack import MAX_REQUEST_BYTES, Stack


def megabytes(count: int) -> dict[str, Any]:
    """A call of an embedded model with a text of `count` MiB, and a temperature that is refused."""
    said = [{"role": "user", "content": "x" * (count * 2**20)}]
    return {"model": "smollm2-135m-instruct", "messages": said, "temperature": 3}


@pytest.mark.parametrize(
    ("size", "status", "says"), [(20, 400, "temperature: must be between 0 and 2"), (33, 413, "33554432")]
)
async def test_rest_reads_32_mebibytes_where_nothing_else_is_configured(
    size: int, status: int, says: str, embedded_url: str, client: httpx.AsyncClient
) -> None:
    response = await client.post(embedded_url + CHAT, json=megabytes(size))
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, status)
    assert says in error["message"]


@pytest.mark.parametrize(
    ("size", "code", "says"),
    [
        (20, grpc.StatusCode.INVALID_ARGUMENT, "temperature: must be between 0 and 2"),
        (33, grpc.StatusCode.RESOURCE_EXHAUSTED, "33554432"),
    ],
    ids=["20", "33"],
)
async def test_grpc_reads_32_mebibytes_where_nothing_else_is_configured(
    size: int, code: grpc.StatusCode, says: str, server: Program
) -> None:
    wire = json_format.ParseDict(megabytes(size), chat_pb2.ChatCompletionsRequest()).SerializeToString()
    error = await grpc_error(server.grpc_address, CHAT, wire)
    assert error.code() is code
    assert says in error.details()


async def test_grpc_message_over_the_limit(stack: Stack) -> None:
    error = await grpc_error(stack.grpc_address, CHAT, b"\x0a" + length(b"m" * (MAX_REQUEST_BYTES + 1)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
