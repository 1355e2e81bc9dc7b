"""The generated Python stubs, sync and aio, against the server a newcomer gets."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Value
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from modelwire.v1beta import chat_pb2, chat_pb2_grpc, embeddings_pb2, embeddings_pb2_grpc, models_pb2, models_pb2_grpc
from modelwire_client import status_of
from support.programs import Program

CHAT_MODEL = "smollm2-135m-instruct"
EMBEDDING_MODEL = "all-minilm-l6-v2"
DIMENSIONS = 384
Detail = TypeVar("Detail", bound=Message)
SERVICES = [f"modelwire.v1beta.{name}" for name in ("ChatService", "EmbeddingService", "ModelService")]


@pytest.fixture
def channel(server: Program) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.grpc_address) as channel:
        yield channel


@pytest.fixture
async def aio_channel(server: Program) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(server.grpc_address) as channel:
        yield channel


def chat(**fields: Any) -> chat_pb2.ChatCompletionsRequest:
    request = chat_pb2.ChatCompletionsRequest(**{"model": CHAT_MODEL, "max_tokens": 8, "seed": 1, **fields})
    request.messages.add().update({"role": "user", "content": "Say hello."})
    return request


def texts(*inputs: str) -> embeddings_pb2.GenerateEmbeddingsRequest:
    listed = ListValue(values=[Value(string_value=text) for text in inputs])
    return embeddings_pb2.GenerateEmbeddingsRequest(model=EMBEDDING_MODEL, input=Value(list_value=listed))


def check_reply(bodies: list[Any]) -> None:
    [body] = bodies
    reply = json.loads(body.data)
    assert body.content_type == "application/json"
    assert reply["object"] == "chat.completion"
    assert reply["choices"][0]["message"]["content"]


def check_events(bodies: list[Any]) -> None:
    assert {body.content_type for body in bodies if body.content_type} == {"text/event-stream"}
    *events, done, rest = b"".join(body.data for body in bodies).split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


def check_embeddings(reply: embeddings_pb2.GenerateEmbeddingsResponse) -> None:
    assert (reply.object, reply.model) == ("list", EMBEDDING_MODEL)
    assert [item.index for item in reply.data] == [0, 1]
    for item in reply.data:
        numbers = [value.number_value for value in item.embedding.list_value.values]
        assert len(numbers) == DIMENSIONS
        assert sum(x * x for x in numbers) == pytest.approx(1, abs=1e-5)
    assert reply.usage.prompt_tokens == reply.usage.total_tokens > 0


def test_the_stubs_make_all_four_calls(channel: grpc.Channel) -> None:
    models = models_pb2_grpc.ModelServiceStub(channel)
    listed = models.ListModels(models_pb2.ListModelsRequest())
    assert {model.id for model in listed.data} == {CHAT_MODEL, EMBEDDING_MODEL}
    assert models.GetModel(models_pb2.GetModelRequest(model=CHAT_MODEL)) in listed.data
    check_embeddings(embeddings_pb2_grpc.EmbeddingServiceStub(channel).GenerateEmbeddings(texts("a", "b")))
    check_reply(list(chat_pb2_grpc.ChatServiceStub(channel).ChatCompletions(chat())))
    check_events(list(chat_pb2_grpc.ChatServiceStub(channel).ChatCompletions(chat(stream=True))))


async def test_the_stubs_make_all_four_calls_in_a_loop(aio_channel: grpc.aio.Channel) -> None:
    models = models_pb2_grpc.ModelServiceStub(aio_channel)
    listed = await models.ListModels(models_pb2.ListModelsRequest())
    assert {model.id for model in listed.data} == {CHAT_MODEL, EMBEDDING_MODEL}
    assert await models.GetModel(models_pb2.GetModelRequest(model=CHAT_MODEL)) in listed.data
    check_embeddings(await embeddings_pb2_grpc.EmbeddingServiceStub(aio_channel).GenerateEmbeddings(texts("a", "b")))
    stub = chat_pb2_grpc.ChatServiceStub(aio_channel)
    check_reply([body async for body in stub.ChatCompletions(chat())])
    check_events([body async for body in stub.ChatCompletions(chat(stream=True))])


def answers_of(answer: Any) -> list[Any]:
    """The messages of an answer, streamed or not."""
    return [answer] if isinstance(answer, Message) else list(answer)


def detail(status: status_pb2.Status, of: type[Detail]) -> Detail:
    """The one detail of that type."""
    found = of()
    assert [packed.Unpack(found) for packed in status.details if packed.Is(found.DESCRIPTOR)] == [True]
    return found


UNKNOWN_MODEL = pytest.mark.parametrize(
    ("stub", "rpc", "request_message"),
    [
        (chat_pb2_grpc.ChatServiceStub, "ChatCompletions", chat(model="smollm3")),
        (chat_pb2_grpc.ChatServiceStub, "ChatCompletions", chat(model="smollm3", stream=True)),
        (models_pb2_grpc.ModelServiceStub, "GetModel", models_pb2.GetModelRequest(model="smollm3")),
        (
            embeddings_pb2_grpc.EmbeddingServiceStub,
            "GenerateEmbeddings",
            embeddings_pb2.GenerateEmbeddingsRequest(model="smollm3", input=Value(string_value="a")),
        ),
    ],
    ids=["chat", "streamed chat", "model", "embeddings"],
)


@UNKNOWN_MODEL
def test_an_unknown_model_is_a_status_with_its_reason(
    channel: grpc.Channel, stub: Any, rpc: str, request_message: Message
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        answers_of(getattr(stub(channel), rpc)(request_message))
    status = status_of(raised.value)
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    assert (status.code, status.message) == (grpc.StatusCode.NOT_FOUND.value[0], raised.value.details())
    info = detail(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.metadata["model"]) == ("MODEL_NOT_FOUND", "smollm3")
    assert [violation.field for violation in detail(status, error_details_pb2.BadRequest).field_violations] == ["model"]


async def test_a_bad_request_names_each_field(aio_channel: grpc.aio.Channel) -> None:
    bad = chat(temperature=3, top_p=0)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await chat_pb2_grpc.ChatServiceStub(aio_channel).ChatCompletions(bad).read()
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    violations = detail(status_of(raised.value), error_details_pb2.BadRequest).field_violations
    assert {violation.field for violation in violations} == {"temperature", "top_p"}
    assert all(violation.description for violation in violations)


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_health_says_serving(channel: grpc.Channel, service: str) -> None:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_health_knows_no_other_service(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="other"))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def test_reflection_tells_the_contract(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert set(SERVICES) <= set(database.get_services())
    file = database.FindFileContainingSymbol("modelwire.v1beta.ChatCompletionsRequest")
    assert file.name == "modelwire/v1beta/chat.proto"
