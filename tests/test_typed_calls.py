"""A call of modelwire.v1 is a call like any other: keys, limits, usage, deadlines, leaving, health and reflection."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from modelwire.v1 import model_service_pb2, model_service_pb2_grpc
from modelwire.v1.chat_service_pb2 import CreateChatCompletionRequest
from modelwire_service.access.caller import Caller, Limits
from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.deadlines import Deadlines
from modelwire_service.entrance import Entrance
from modelwire_service.errors import Unauthenticated
from modelwire_service.limits.memory import MemoryLimiter
from modelwire_service.upstreams.openai.folding import unfolded
from modelwire_service.usage.rows import UsageRow
from support.scripted_upstream import COMPLETION, DONE, ScriptedUpstream, answer_events, answer_never
from support.stack import openai_settings, running_stack
from support.typed_doors import PATH, TypedDoors, as_json, doors_of

SERVICES = ("modelwire.v1.ChatService", "modelwire.v1.EmbeddingService", "modelwire.v1.ModelService")
REQUEST = CreateChatCompletionRequest(model="scripted", messages=[{"role": "ROLE_USER", "text": "Hi"}])
KEY = (("authorization", "Bearer alice"),)
TWICE = Limits(requests_per_minute=2)


class Alice:
    """Lets in who has her key."""

    asks = True

    def caller(self, metadata: Any) -> Caller:
        if not set(KEY) <= set(metadata or ()):
            raise Unauthenticated("no API key")
        return Caller(id="k1", name="alice", limits=TWICE, models=("scripted", "mine-*"))


@pytest.fixture
def rows() -> list[UsageRow]:
    """The usage kept of calls."""
    return []


@pytest.fixture
async def guarded(upstream: ScriptedUpstream, rows: list[UsageRow]) -> AsyncIterator[TypedDoors]:
    """Doors for Alice alone, who may call twice a minute."""
    entrance = Entrance(Alice(), MemoryLimiter(), Admission(9, 9, "the server"), Deadlines(600, 3_600), rows.append)
    async with (
        running_stack(openai_settings(upstream.url), entrance=entrance) as stack,
        doors_of(stack) as doors,
    ):
        yield doors


@pytest.fixture
async def doors(upstream: ScriptedUpstream) -> AsyncIterator[TypedDoors]:
    async with running_stack(openai_settings(upstream.url)) as stack, doors_of(stack) as doors:
        yield doors


async def failure(call: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as raised:
        await call
    code: grpc.StatusCode = raised.value.code()
    return code


async def test_a_key_is_asked_for(guarded: TypedDoors) -> None:
    assert await failure(guarded.chat.CreateChatCompletion(REQUEST)) is grpc.StatusCode.UNAUTHENTICATED
    assert await failure(guarded.chat.StreamChatCompletion(REQUEST).read()) is grpc.StatusCode.UNAUTHENTICATED
    assert (await guarded.http["local"].post(PATH, json=as_json(REQUEST))).status_code == 401


async def test_a_key_is_for_its_models(guarded: TypedDoors) -> None:
    other = CreateChatCompletionRequest(model="dear", messages=REQUEST.messages)
    assert await failure(guarded.chat.CreateChatCompletion(other, metadata=KEY)) is grpc.StatusCode.PERMISSION_DENIED


async def test_limits_hold_and_usage_is_kept(
    guarded: TypedDoors, upstream: ScriptedUpstream, rows: list[UsageRow]
) -> None:
    await guarded.chat.CreateChatCompletion(REQUEST, metadata=KEY)
    upstream.answer = answer_events(*unfolded(COMPLETION), DONE)
    assert [chunk async for chunk in guarded.chat.StreamChatCompletion(REQUEST, metadata=KEY)]
    assert await failure(guarded.chat.CreateChatCompletion(REQUEST, metadata=KEY)) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert [
        (row.rpc.rpartition("/")[2], row.key_name, row.model, row.input_tokens, row.output_tokens) for row in rows
    ] == [
        ("CreateChatCompletion", "alice", "scripted", 3, 2),
        ("StreamChatCompletion", "alice", "scripted", 3, 2),
    ]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_deadline_ends_a_call_and_what_is_behind_it(
    streamed: bool, doors: TypedDoors, upstream: ScriptedUpstream
) -> None:
    upstream.answer = answer_never()
    if streamed:
        ended = await failure(doors.chat.StreamChatCompletion(REQUEST, timeout=0.5).read())
    else:
        ended = await failure(doors.chat.CreateChatCompletion(REQUEST, timeout=0.5))
    assert ended is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(10):
        await upstream.left.wait()


@pytest.mark.parametrize("streamed", [False, True])
async def test_who_leaves_ends_what_is_behind_the_call(
    streamed: bool, doors: TypedDoors, upstream: ScriptedUpstream
) -> None:
    upstream.answer = answer_never()
    call = (doors.chat.StreamChatCompletion if streamed else doors.chat.CreateChatCompletion)(REQUEST)
    async with asyncio.timeout(10):
        await upstream.called.wait()
        call.cancel()
        await upstream.left.wait()


async def test_health_and_reflection_know_the_services(doors: TypedDoors) -> None:
    health = health_pb2_grpc.HealthStub(doors.channel)
    for service in SERVICES:
        told = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert told.status == health_pb2.HealthCheckResponse.SERVING
    stub = reflection_pb2_grpc.ServerReflectionStub(doors.channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    [listed] = [answer async for answer in stub.ServerReflectionInfo(iter([asked]))]
    assert set(SERVICES) <= {service.name for service in listed.list_services_response.service}


@pytest.mark.parametrize("backend", ["local", "remote"])
async def test_models_come_in_pages(backend: str, doors: TypedDoors, upstream: ScriptedUpstream) -> None:
    upstream.models[:] = ["c", "models/gem", "a"]
    http: httpx.AsyncClient = doors.http[backend]
    stub = model_service_pb2_grpc.ModelServiceStub(doors.channel)
    said: list[str] = []
    token = ""
    while True:
        page = await stub.ListModels(model_service_pb2.ListModelsRequest(page_size=2, page_token=token))
        rest = await http.get("/v1/modelwire/models", params={"pageSize": 2, "pageToken": token})
        assert json_format.Parse(rest.content, model_service_pb2.ListModelsResponse()) == page
        said += [model.id for model in page.models]
        if not (token := page.next_page_token):
            break
    assert said == ["a", "c", "models/gem"]


@pytest.mark.parametrize("backend", ["local", "remote"])
@pytest.mark.parametrize("spelling", ["models/gem", "models%2Fgem", "gem", "scripted/gem", "scripted/models/gem"])
async def test_a_model_is_told_under_every_spelling(
    spelling: str, backend: str, doors: TypedDoors, upstream: ScriptedUpstream
) -> None:
    upstream.models[:] = ["models/gem"]
    told = await doors.http[backend].get(f"/v1/modelwire/models/{spelling}")
    assert told.json() == {"id": "models/gem", "createTime": "1970-01-01T00:00:01Z", "ownedBy": "tests"}
    stub = model_service_pb2_grpc.ModelServiceStub(doors.channel)
    model = await stub.GetModel(model_service_pb2.GetModelRequest(model=spelling.replace("%2F", "/")))
    assert json_format.MessageToDict(model) == told.json()


@pytest.mark.parametrize(("query", "field"), [("pageSize=-1", "page_size"), ("pageToken=*", "page_token")])
async def test_a_page_that_is_none_is_refused(query: str, field: str, doors: TypedDoors) -> None:
    error = (await doors.http["local"].get(f"/v1/modelwire/models?{query}")).json()["error"]
    assert (error["code"], error["param"]) == (400, field)
