"""The service config that ships with all clients: whole, and kept by the Python client's channels."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from modelwire.v1.chat_service_pb2 import CreateChatCompletionRequest
from modelwire.v1.chat_service_pb2_grpc import ChatServiceStub
from modelwire.v1.embedding_service_pb2 import CreateEmbeddingsRequest
from modelwire.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from modelwire.v1.model_service_pb2 import GetModelRequest, ListModelsRequest
from modelwire.v1.model_service_pb2_grpc import ModelServiceStub
from modelwire_client import CHANNEL_OPTIONS
from modelwire_client.channel_options import SERVICE_CONFIG
from modelwire_gateway.sources.descriptors import built_in_services

METHODS = {(service.full_name, method.name) for service in built_in_services() for method in service.methods}
NAMES = [
    (name["service"], name.get("method"))
    for entry in json.loads(SERVICE_CONFIG)["methodConfig"]
    for name in entry["name"]
]


def test_each_method_has_its_place_once() -> None:
    placed = Counter(
        (service, method)
        for service, method in METHODS
        for named in NAMES
        if named in ((service, method), (service, None))
    )
    assert placed == dict.fromkeys(METHODS, 1)
    assert {service for service, _ in NAMES} == {service for service, _ in METHODS}


class NeverThere(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Says UNAVAILABLE to each call, and remembers its method."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def service(self, details: Any) -> Any:
        async def refuse(_: bytes, context: Any) -> None:
            self.called.append(details.method.rpartition("/")[2])
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not there")

        return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.fixture
async def never_there() -> AsyncIterator[tuple[NeverThere, grpc.aio.Channel]]:
    handler = NeverThere()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=CHANNEL_OPTIONS) as channel:
        yield handler, channel
    await server.stop(None)


@pytest.mark.parametrize(
    ("stub", "method", "request_message", "attempts"),
    [
        (ModelServiceStub, "ListModels", ListModelsRequest(), 4),
        (ModelServiceStub, "GetModel", GetModelRequest(model="m"), 4),
        (EmbeddingServiceStub, "CreateEmbeddings", CreateEmbeddingsRequest(), 3),
        (ChatServiceStub, "CreateChatCompletion", CreateChatCompletionRequest(), 1),
        (ChatServiceStub, "StreamChatCompletion", CreateChatCompletionRequest(), 1),
    ],
)
async def test_where_nobody_is_there_what_costs_little_is_tried_again_and_a_chat_is_not(
    stub: Any,
    method: str,
    request_message: Any,
    attempts: int,
    never_there: tuple[NeverThere, grpc.aio.Channel],
) -> None:
    handler, channel = never_there
    call = getattr(stub(channel), method)(request_message)
    with pytest.raises(grpc.aio.AioRpcError, match="not there"):
        await (call.read() if method.startswith("Stream") else call)
    assert handler.called == [method] * attempts
