"""Type checkers know of the stubs what is there: `make types` reads the assertions, a server answers the calls."""

from typing import assert_type

import grpc
from modelwire.v1.chat_pb2 import ROLE_USER, ChatCompletion, ChatCompletionChunk, ChatMessage
from modelwire.v1.chat_service_pb2 import CreateChatCompletionRequest
from modelwire.v1.chat_service_pb2_grpc import ChatServiceStub
from support.programs import Program

HELLO = CreateChatCompletionRequest(
    model="smollm2-135m-instruct",
    messages=[ChatMessage(role=ROLE_USER, text="Say hello.")],
    max_completion_tokens=4,
)


def test_a_stub_on_a_sync_channel(server: Program) -> None:
    with grpc.insecure_channel(server.grpc_address) as channel:
        stub = ChatServiceStub(channel)
        completion: ChatCompletion = stub.CreateChatCompletion(HELLO, timeout=60)
        assert_type(completion.choices[0].message.text, str)
        for chunk in stub.StreamChatCompletion(HELLO):
            assert isinstance(assert_type(chunk, ChatCompletionChunk), ChatCompletionChunk)
        answer, call = stub.CreateChatCompletion.with_call(HELLO)
        assert (answer.choices[0].index, call.code()) == (0, grpc.StatusCode.OK)


async def test_a_stub_on_a_channel_of_an_event_loop(server: Program) -> None:
    async with grpc.aio.insecure_channel(server.grpc_address) as channel:
        stub = ChatServiceStub(channel)
        completion = await stub.CreateChatCompletion(HELLO, timeout=60)
        assert isinstance(assert_type(completion, ChatCompletion), ChatCompletion)
        async for chunk in stub.StreamChatCompletion(HELLO):
            assert isinstance(assert_type(chunk, ChatCompletionChunk), ChatCompletionChunk)
        call = stub.CreateChatCompletion(HELLO)
        assert call.cancel()
        assert await call.code() is grpc.StatusCode.CANCELLED
