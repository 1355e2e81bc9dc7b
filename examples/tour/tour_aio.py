"""The tour of tour.py with asyncio: models, a chat, a stream, a tool, embeddings, an error, a deadline and a cancel."""

# [chat]
import asyncio

# [end]
import os

import grpc
from google.rpc.error_details_pb2 import BadRequest
from modelwire.v1.chat_pb2 import ROLE_TOOL, ROLE_USER, ChatCompletion, ChatMessage, FinishReason
from modelwire.v1.chat_service_pb2 import CreateChatCompletionRequest
from modelwire.v1.chat_service_pb2_grpc import ChatServiceStub
from modelwire.v1.embedding_service_pb2 import CreateEmbeddingsRequest
from modelwire.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from modelwire.v1.model_service_pb2 import ListModelsRequest
from modelwire.v1.model_service_pb2_grpc import ModelServiceStub
from modelwire.v1.tools_pb2 import Function, Tool, ToolChoice
from modelwire_client import CHANNEL_OPTIONS, error_detail, fold

ADDRESS = os.environ.get("MODELWIRE_GRPC_ADDRESS", "127.0.0.1:50051")
KEY = os.environ.get("MODELWIRE_API_KEY")
METADATA = [("authorization", f"Bearer {KEY}")] if KEY else []
CHAT_MODEL = "smollm2-135m-instruct"

HELLO = CreateChatCompletionRequest(
    model=CHAT_MODEL,
    messages=[ChatMessage(role=ROLE_USER, text="Say hello to me.")],
    max_completion_tokens=24,
    temperature=0,
)


def text_of(completion: ChatCompletion) -> str:
    return completion.choices[0].message.text.replace("\n", " ")


# [chat]
async def chat(stub: ChatServiceStub) -> None:
    completion = await stub.CreateChatCompletion(HELLO, metadata=METADATA)
    print(f"chat: {text_of(completion)} ({FinishReason.Name(completion.choices[0].finish_reason)})")
    # [end]


EMBEDDING_MODEL = "all-minilm-l6-v2"
STORY = CreateChatCompletionRequest(
    model=CHAT_MODEL, messages=[ChatMessage(role=ROLE_USER, text="Tell me a long story.")]
)
WEATHER = Tool(
    function=Function(
        name="get_weather",
        description="Tells the weather of a city.",
        parameters_json='{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}',
    )
)


async def models(channel: grpc.aio.Channel) -> None:
    stub = ModelServiceStub(channel)
    ids: list[str] = []
    request = ListModelsRequest(page_size=1)
    while True:
        page = await stub.ListModels(request, metadata=METADATA)
        ids += [model.id for model in page.models]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    print("models:", ", ".join(ids))


async def stream(stub: ChatServiceStub) -> None:
    completion = ChatCompletion()
    async for chunk in stub.StreamChatCompletion(HELLO, metadata=METADATA):
        fold(completion, chunk)
    print("stream:", text_of(completion))


async def tool(stub: ChatServiceStub) -> None:
    request = CreateChatCompletionRequest(
        model=CHAT_MODEL,
        messages=[ChatMessage(role=ROLE_USER, text="What is the weather in Paris?")],
        tools=[WEATHER],
        tool_choice=ToolChoice(function="get_weather"),
        max_completion_tokens=24,
        temperature=0,
    )
    completion = await stub.CreateChatCompletion(request, metadata=METADATA)
    asked = completion.choices[0].message
    call = asked.tool_calls[0]
    print(f"tool call: {call.function.name}({call.function.arguments})")

    result = ChatMessage(role=ROLE_TOOL, tool_call_id=call.id, text='{"celsius": 21}')
    request.messages.extend([asked, result])
    request.ClearField("tool_choice")
    completion = await stub.CreateChatCompletion(request, metadata=METADATA)
    print("tool answer:", text_of(completion))


async def embeddings(channel: grpc.aio.Channel) -> None:
    request = CreateEmbeddingsRequest(model=EMBEDDING_MODEL, inputs=["Hello", "Goodbye"])
    made = await EmbeddingServiceStub(channel).CreateEmbeddings(request, metadata=METADATA)
    print(f"embeddings: {len(made.embeddings)} vectors of {len(made.embeddings[0].values)} values")


async def error(stub: ChatServiceStub) -> None:
    request = CreateChatCompletionRequest()
    request.CopyFrom(HELLO)
    request.temperature = 3
    try:
        await stub.CreateChatCompletion(request, metadata=METADATA)
    except grpc.aio.AioRpcError as failure:
        for violation in error_detail(failure, BadRequest).field_violations:
            print(f"error: {failure.code().name} {violation.field}: {violation.description}")


async def deadline(stub: ChatServiceStub) -> None:
    try:
        await stub.CreateChatCompletion(STORY, metadata=METADATA, timeout=0.05)
    except grpc.aio.AioRpcError as failure:
        print("deadline:", failure.code().name)


async def cancel(stub: ChatServiceStub) -> None:
    chunks = stub.StreamChatCompletion(STORY, metadata=METADATA)
    try:
        async for chunk in chunks:
            if any(choice.delta.text for choice in chunk.choices):
                chunks.cancel()
    except asyncio.CancelledError:
        print("cancel:", (await chunks.code()).name)


# [chat]
async def main() -> None:
    async with grpc.aio.insecure_channel(ADDRESS, options=CHANNEL_OPTIONS) as channel:
        stub = ChatServiceStub(channel)
        # [end]
        await models(channel)
        # [chat]
        await chat(stub)
        # [end]
        await stream(stub)
        await tool(stub)
        await embeddings(channel)
        await error(stub)
        await deadline(stub)
        await cancel(stub)


# [chat]
if __name__ == "__main__":
    asyncio.run(main())
    # [end]
