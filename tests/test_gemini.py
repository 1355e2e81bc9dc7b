"""Clients over the whole of modelwire in front of a Gemini API: what they know of OpenAI works unchanged."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any, Literal

import grpc
import httpx
import openai
import pytest
from aiohttp import web
from google.rpc import error_details_pb2, status_pb2
from modelwire.v1beta import chat_pb2, chat_pb2_grpc, embeddings_pb2, embeddings_pb2_grpc, models_pb2, models_pb2_grpc
from modelwire_service.upstream_settings import UpstreamSettings
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from pydantic import BaseModel
from support.programs import running
from support.scripted_gemini import (
    ANSWER,
    KEY,
    USAGE,
    ScriptedGemini,
    answer_in_turn,
    answer_stream,
    called,
    candidate,
    failure,
)
from support.scripted_upstream import answer_json
from support.stack import Stack, running_stack

MODEL = "gemini-3-flash-preview"
ASKED: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "at": {"type": "string", "format": "date-time"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
OSLO = {**called("get_weather", city="Oslo"), "thoughtSignature": "U0lH"}
LIMA = called("get_weather", city="Lima")


class Verdict(BaseModel):
    """What a reply must parse to."""

    reason: str
    mood: Literal["good", "bad"]


@pytest.fixture
async def gemini() -> AsyncIterator[ScriptedGemini]:
    models = [f"models/{name}" for name in (MODEL, "gemini-2.5-pro", "gemini-embedding-001")]
    async with ScriptedGemini(*models).listening() as listening:
        yield listening


@pytest.fixture
async def stack(gemini: ScriptedGemini) -> AsyncIterator[Stack]:
    settings = {"name": "gemini", "kind": "gemini", "base_url": gemini.url + "/v1beta/", "api_key": KEY}
    async with running_stack(UpstreamSettings.model_validate(settings)) as running:
        yield running


@pytest.fixture
async def client(stack: Stack, backend: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=stack.url(backend) + "/v1", api_key="none", max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture
async def channel(stack: Stack) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(stack.grpc_address) as channel:
        yield channel


async def test_a_chat_has_all_that_clients_rely_on(client: AsyncOpenAI, gemini: ScriptedGemini) -> None:
    gemini.answer = answer_json({**ANSWER, "responseId": None}, headers={"x-gemini-service-tier": "standard"})
    reply: ChatCompletion = await client.chat.completions.create(**ASKED)
    [choice] = reply.choices
    assert reply.id.startswith("chatcmpl-")
    assert (reply.object, reply.model, reply.service_tier) == ("chat.completion", "gemini-2.5-flash", "default")
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content == "Hello."
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (3, 2, 5)
    assert gemini.seen[0][0] == f"/v1beta/models/{MODEL}:generateContent"


async def test_a_stream_has_all_that_clients_rely_on(client: AsyncOpenAI, gemini: ScriptedGemini) -> None:
    gemini.answer = answer_stream(
        candidate({"text": "Hel"}, usageMetadata=USAGE), candidate({"text": "lo."}, finish="STOP", usageMetadata=USAGE)
    )
    stream = await client.chat.completions.create(**ASKED, stream=True, stream_options={"include_usage": True})
    *chunks, last = [chunk async for chunk in stream]
    assert {(chunk.id, chunk.created, chunk.object) for chunk in [*chunks, last]} == {
        ("r1", last.created, "chat.completion.chunk")
    }
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", None, None]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello."
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, "stop"]
    assert (last.choices, last.usage.total_tokens) == ([], 5)


async def loop_of_tools(client: AsyncOpenAI, *, streamed: bool) -> list[dict[str, Any]]:
    """The conversation of a client that answers each call, as clients write it, until there are no more."""
    messages: list[Any] = [{"role": "user", "content": "Where is it warmer?"}]
    while True:
        asked: dict[str, Any] = {"model": MODEL, "messages": messages, "tools": [WEATHER]}
        if streamed:
            async with client.chat.completions.stream(**asked) as stream:
                reply: Any = await stream.get_final_completion()
        else:
            reply = await client.chat.completions.create(**asked)
        [choice] = reply.choices
        messages.append(choice.message.model_dump(exclude_none=True, exclude={"parsed"}))
        if choice.finish_reason != "tool_calls":
            return messages
        for call in choice.message.tool_calls:
            city = json.loads(call.function.arguments)["city"]
            content = json.dumps({"city": city, "celsius": len(city)})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_loop_of_two_parallel_calls(client: AsyncOpenAI, gemini: ScriptedGemini, streamed: bool) -> None:
    end = candidate({"text": "Lima."}, finish="STOP", usageMetadata=USAGE)
    if streamed:
        # Each call in an event of its own, and the end in one more.
        calls = (candidate(OSLO), candidate(LIMA), candidate({"text": ""}, finish="STOP", usageMetadata=USAGE))
        gemini.answer = answer_in_turn(answer_stream(*calls), answer_stream(end))
    else:
        gemini.answer = answer_in_turn(answer_json(candidate(OSLO, LIMA, finish="STOP")), answer_json(end))
    *_, told = await loop_of_tools(client, streamed=streamed)
    assert told["content"] == "Lima."
    (_, first), (_, second) = gemini.seen
    assert first["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}
    [declared] = first["tools"][0]["functionDeclarations"]
    assert declared["parameters"]["propertyOrdering"] == ["city", "at"]
    _, calls_told, results = second["contents"]
    ids = [part["functionCall"]["id"] for part in calls_told["parts"]]
    assert len(set(ids)) == 2
    assert [part["functionCall"]["args"] for part in calls_told["parts"]] == [{"city": "Oslo"}, {"city": "Lima"}]
    assert [part.get("thoughtSignature") for part in calls_told["parts"]] == ["U0lH", None]
    assert results == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": call, "name": "get_weather", "response": {"city": city, "celsius": 4}}}
            for call, city in zip(ids, ("Oslo", "Lima"), strict=True)
        ],
    }


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_reply_of_a_schema_parses(client: AsyncOpenAI, gemini: ScriptedGemini, streamed: bool) -> None:
    said = candidate({"text": '{"reason": "sun", "mood": "good"}'}, finish="STOP")
    gemini.answer = answer_stream(said) if streamed else answer_json(said)
    if streamed:
        async with client.chat.completions.stream(**ASKED, response_format=Verdict) as stream:
            reply = await stream.get_final_completion()
    else:
        reply = await client.chat.completions.parse(**ASKED, response_format=Verdict)
    assert reply.choices[0].message.parsed == Verdict(reason="sun", mood="good")
    config = gemini.last["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseSchema"]["propertyOrdering"] == ["reason", "mood"]
    assert config["responseSchema"]["properties"]["mood"]["enum"] == ["good", "bad"]


async def test_the_order_of_a_schema_is_kept_from_the_client_to_gemini(
    client: AsyncOpenAI, gemini: ScriptedGemini
) -> None:
    names = [f"{letter}{number}" for number in range(4) for letter in "zmab"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}
    await client.chat.completions.create(**ASKED, response_format=wanted)
    sent = gemini.last["generationConfig"]["responseSchema"]
    assert (sent["propertyOrdering"], list(sent["properties"])) == (names, names)


async def test_thoughts_are_read_and_told_back(client: AsyncOpenAI, gemini: ScriptedGemini) -> None:
    thought = candidate({"text": "Hm.", "thought": True}, {"text": "Hi.", "thoughtSignature": "U0lH"}, finish="STOP")
    gemini.answer = answer_json(thought)
    google = {"google": {"thinking_config": {"include_thoughts": True}}}
    reply = await client.chat.completions.create(**ASKED, reasoning_effort="low", extra_body={"extra_body": google})
    message = reply.choices[0].message
    assert message.model_extra is not None
    assert message.model_extra["reasoning_content"] == "Hm."
    again: Any = [*ASKED["messages"], message.model_dump(exclude_none=True), {"role": "user", "content": "And?"}]
    await client.chat.completions.create(model=MODEL, messages=again)
    assert gemini.seen[0][1]["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "LOW", "includeThoughts": True}
    assert gemini.last["contents"][1]["parts"] == [
        {"text": "Hm.", "thought": True},
        {"text": "Hi.", "thoughtSignature": "U0lH"},
    ]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_blocked_prompt_is_an_answer(client: AsyncOpenAI, gemini: ScriptedGemini, streamed: bool) -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}
    gemini.answer = answer_stream(blocked) if streamed else answer_json(blocked)
    if streamed:
        chunks = [chunk async for chunk in await client.chat.completions.create(**ASKED, stream=True)]
        assert [chunk.choices[0].finish_reason for chunk in chunks] == ["content_filter"]
    else:
        [choice] = (await client.chat.completions.create(**ASKED)).choices
        assert (choice.message.content, choice.finish_reason) == (None, "content_filter")


async def test_what_gemini_cannot_do_is_refused_by_name(client: AsyncOpenAI, gemini: ScriptedGemini) -> None:
    with pytest.raises(openai.BadRequestError, match="logit_bias: not supported by Gemini models") as raised:
        await client.chat.completions.create(**ASKED, logit_bias={"1": 5})
    assert raised.value.param == "logit_bias"
    assert gemini.seen == []


async def test_an_image_on_the_web_is_refused_by_its_path(client: AsyncOpenAI) -> None:
    parts = [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": "https://x.example/cat.png"}}]
    messages: Any = [{"role": "user", "content": parts}]
    with pytest.raises(openai.BadRequestError) as raised:
        await client.chat.completions.create(model=MODEL, messages=messages)
    assert raised.value.param == "messages[0].content[1].image_url.url"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_quota_is_told_with_when_to_come_back(
    client: AsyncOpenAI, gemini: ScriptedGemini, streamed: bool
) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12s"}]
    gemini.answer = answer_json(failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", details=details), 429)
    with pytest.raises(openai.RateLimitError, match="Quota exceeded") as raised:
        await client.chat.completions.create(**ASKED, stream=streamed)
    assert raised.value.response.headers["retry-after"] == "12"


async def test_a_failure_in_mid_stream_is_an_error(client: AsyncOpenAI, gemini: ScriptedGemini) -> None:
    gemini.answer = answer_stream(candidate({"text": "Hel"}), failure(503, "UNAVAILABLE", "Overloaded."))
    said: list[str] = []
    with pytest.raises(openai.APIError, match="Overloaded"):
        await collect(client, said)
    assert said == ["Hel"]


async def collect(client: AsyncOpenAI, said: list[str]) -> None:
    async for chunk in await client.chat.completions.create(**ASKED, stream=True):
        said += [chunk.choices[0].delta.content or ""]


async def test_a_failure_in_mid_stream_has_no_done(stack: Stack, backend: str, gemini: ScriptedGemini) -> None:
    gemini.answer = answer_stream(candidate({"text": "Hel"}), failure(503, "UNAVAILABLE", "Overloaded."))
    async with httpx.AsyncClient(timeout=30) as http:
        response = await http.post(
            stack.url(backend) + "/v1beta/openai/chat/completions", json={**ASKED, "stream": True}
        )
    *_, last = response.text.strip().split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == 503
    assert "[DONE]" not in response.text


async def embedded(_: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    vectors = [{"values": [3.0, 4.0]} for _ in body["requests"]]
    return web.json_response({"embeddings": vectors, "usageMetadata": {"promptTokenCount": len(vectors)}})


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_embeddings_come_in_either_form(
    client: AsyncOpenAI, gemini: ScriptedGemini, encoding: Literal["float", "base64"]
) -> None:
    gemini.answer = embedded
    reply = await client.embeddings.create(
        model="gemini-embedding-001", input=["a", "b"], dimensions=2, encoding_format=encoding
    )
    assert [item.index for item in reply.data] == [0, 1]
    assert (reply.model, reply.usage.prompt_tokens) == ("models/gemini-embedding-001", 2)
    vector: Any = reply.data[1].embedding
    if encoding == "base64":
        vector = list(memoryview(base64.b64decode(vector)).cast("f"))
    assert vector == pytest.approx([0.6, 0.8])


async def test_models_of_all_pages_are_listed_and_found(client: AsyncOpenAI, gemini: ScriptedGemini) -> None:
    listed = [model async for model in client.models.list()]
    assert [(model.id, model.owned_by) for model in listed] == [(name, "google") for name in gemini.models]
    assert (await client.models.retrieve(MODEL)).id == f"models/{MODEL}"


async def test_a_key_in_the_environment_is_all_it_takes(gemini: ScriptedGemini) -> None:
    doors = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
    environment = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": gemini.url}
    with running("serve", *doors, environment=environment) as program:
        assert f"upstream  gemini  gemini  {gemini.url}" in program.printed
        assert KEY not in program.printed
        async with AsyncOpenAI(base_url=program.url + "/v1", api_key="none", max_retries=0, timeout=30) as client:
            reply = await client.chat.completions.create(**ASKED)
    assert reply.choices[0].message.content == "Hello."
    assert gemini.seen[0][0] == f"/v1beta/models/{MODEL}:generateContent"


def chat(**fields: Any) -> chat_pb2.ChatCompletionsRequest:
    request = chat_pb2.ChatCompletionsRequest(model=MODEL, **fields)
    request.messages.add().update({"role": "user", "content": "Hi"})
    return request


async def test_the_stubs_make_all_calls(channel: grpc.aio.Channel, gemini: ScriptedGemini) -> None:
    stub = chat_pb2_grpc.ChatServiceStub(channel)
    [body] = [body async for body in stub.ChatCompletions(chat())]
    assert json.loads(body.data)["choices"][0]["message"]["content"] == "Hello."
    gemini.answer = answer_stream(candidate(OSLO), candidate(LIMA), candidate({"text": ""}, finish="STOP"))
    events = b"".join([body.data async for body in stub.ChatCompletions(chat(stream=True))]).split(b"\n\n")
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events[:-2]]
    assert events[-2:] == [b"data: [DONE]", b""]
    numbers = [call["index"] for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert numbers == [0, 1]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    gemini.answer = embedded
    asked = embeddings_pb2.GenerateEmbeddingsRequest(model="gemini-embedding-001")
    asked.input.string_value = "a"
    vectors = await embeddings_pb2_grpc.EmbeddingServiceStub(channel).GenerateEmbeddings(asked)
    assert [value.number_value for value in vectors.data[0].embedding.list_value.values] == [3, 4]
    listed = await models_pb2_grpc.ModelServiceStub(channel).ListModels(models_pb2.ListModelsRequest())
    assert [model.id for model in listed.data] == gemini.models


async def test_the_stubs_are_told_which_field_is_refused(channel: grpc.aio.Channel) -> None:
    request = chat()
    request.logit_bias.update({"1": 5})
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await chat_pb2_grpc.ChatServiceStub(channel).ChatCompletions(request).read()
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailing = raised.value.trailing_metadata()
    assert trailing is not None
    [encoded] = [value for key, value in trailing if key == "grpc-status-details-bin"]
    assert isinstance(encoded, bytes)
    told = error_details_pb2.BadRequest()
    assert any(packed.Unpack(told) for packed in status_pb2.Status.FromString(encoded).details)
    assert [violation.field for violation in told.field_violations] == ["logit_bias"]
