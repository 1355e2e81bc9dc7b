"""Calls that are refused, and what gRPC says of them."""

from typing import Any

import grpc
import pytest

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
HELLO: list[Any] = [{"role": "user", "content": "Hi"}]


def chat(**members: Any) -> dict[str, Any]:
    return {"model": "scripted", "messages": HELLO, **members}


async def grpc_error(address: str, path: str, wire: bytes) -> grpc.aio.AioRpcError:
    """The error a call ends with; sends `wire` as it is."""
    async with grpc.aio.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
        if path == EMBEDDINGS:
            call = channel.unary_unary("/modelwire.v1beta.EmbeddingService/GenerateEmbeddings")(wire)
        else:
            call = channel.unary_stream("/modelwire.v1beta.ChatService/ChatCompletions")(wire).read()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call
    return raised.value


def length(payload: bytes) -> bytes:
    """`payload` behind its length as a varint."""
    size, prefix = len(payload), b""
    while size > 127:
        prefix += bytes([size & 127 | 128])
        size >>= 7
    return prefix + bytes([size]) + payload
