"""The official Python client against the server a newcomer gets.

Runs in two interpreters, so it imports nothing of modelwire: here with the newest client, over both backends, and in
an environment of its own with the major version before.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionMessageParam,
    ChatCompletionToolChoiceOptionParam,
    ChatCompletionToolParam,
)
from pydantic import BaseModel

CHAT_MODEL = "smollm2-135m-instruct"
EMBEDDING_MODEL = "all-minilm-l6-v2"
DIMENSIONS = 384
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
SHORT: dict[str, Any] = {"model": CHAT_MODEL, "messages": MESSAGES, "max_tokens": 8, "temperature": 0, "seed": 1}
LONG_ENOUGH_FOR_JSON: dict[str, Any] = {**SHORT, "max_tokens": 48}
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Oslo", "Lima"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
NAMED: ChatCompletionToolChoiceOptionParam = {"type": "function", "function": {"name": "get_weather"}}
FORCED = pytest.mark.parametrize("tool_choice", ["required", NAMED], ids=["required", "named"])


class Greeting(BaseModel):
    """What a reply must parse to."""

    language: Literal["English", "Norwegian"]


@pytest.fixture
def client(base_url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=60) as client:
        yield client


def test_a_chat_is_answered_with_a_message_and_its_usage(client: OpenAI) -> None:
    reply = client.chat.completions.create(**SHORT)
    [choice] = reply.choices
    assert (reply.object, reply.model) == ("chat.completion", CHAT_MODEL)
    assert (choice.index, choice.message.role) == (0, "assistant")
    assert choice.message.content
    assert choice.finish_reason in ("stop", "length")
    assert reply.usage is not None
    assert 1 <= reply.usage.completion_tokens <= 8
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply._request_id


def test_n_choices_are_numbered_in_order(client: OpenAI) -> None:
    reply = client.chat.completions.create(**{**SHORT, "temperature": 1, "n": 2})
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert all(choice.message.content for choice in reply.choices)


def check_chunks(chunks: list[ChatCompletionChunk]) -> None:
    """The shape of every streamed reply of one choice, but for its content and usage."""
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    assert {(chunk.object, chunk.model) for chunk in chunks} == {("chat.completion.chunk", CHAT_MODEL)}
    choices = [chunk.choices[0] for chunk in chunks]
    assert [choice.delta.role for choice in choices] == ["assistant"] + [None] * (len(choices) - 1)
    assert [choice.finish_reason is None for choice in choices] == [True] * (len(choices) - 1) + [False]
    assert {choice.index for choice in choices} == {0}


def test_a_stream_begins_with_the_role_ends_with_the_reason_and_has_no_usage(client: OpenAI) -> None:
    chunks: list[ChatCompletionChunk] = list(client.chat.completions.create(**SHORT, stream=True))
    check_chunks(chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


def test_a_stream_tells_usage_once_at_its_end_if_asked(client: OpenAI) -> None:
    asked: dict[str, Any] = {**SHORT, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, last = client.chat.completions.create(**asked)
    check_chunks(chunks)
    assert all("usage" in chunk.model_fields_set and chunk.usage is None for chunk in chunks)
    assert last.choices == []
    assert (last.id, last.created) == (chunks[0].id, chunks[0].created)
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0


async def test_the_async_client_streams_what_the_other_does(base_url: str, client: OpenAI) -> None:
    said = client.chat.completions.create(**SHORT).choices[0].message.content
    async with AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=60) as async_client:
        stream = await async_client.chat.completions.create(**SHORT, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(pieces) == said


@FORCED
def test_a_forced_tool_is_called_with_arguments_of_its_schema(client: OpenAI, tool_choice: Any) -> None:
    reply = client.chat.completions.create(**LONG_ENOUGH_FOR_JSON, tools=[WEATHER], tool_choice=tool_choice)
    [choice] = reply.choices
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert call.id
    assert json.loads(call.function.arguments)["city"] in ("Oslo", "Lima")


@FORCED
def test_a_streamed_tool_call_is_named_first_and_its_arguments_follow(client: OpenAI, tool_choice: Any) -> None:
    asked: dict[str, Any] = {**LONG_ENOUGH_FOR_JSON, "tools": [WEATHER], "tool_choice": tool_choice, "stream": True}
    chunks: list[ChatCompletionChunk] = list(client.chat.completions.create(**asked))
    check_chunks(chunks)
    deltas = [delta for chunk in chunks for delta in chunk.choices[0].delta.tool_calls or []]
    functions = [delta.function for delta in deltas if delta.function is not None]
    assert {delta.index for delta in deltas} == {0}
    assert [delta.id is not None for delta in deltas] == [True] + [False] * (len(deltas) - 1)
    assert functions[0].name == "get_weather"
    assert json.loads("".join(function.arguments or "" for function in functions))["city"] in ("Oslo", "Lima")
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_a_schema_is_followed(client: OpenAI) -> None:
    schema = {"name": "greeting", "strict": True, "schema": Greeting.model_json_schema()}
    response_format: Any = {"type": "json_schema", "json_schema": schema}
    reply = client.chat.completions.create(**LONG_ENOUGH_FOR_JSON, response_format=response_format)
    assert Greeting.model_validate_json(reply.choices[0].message.content)


def test_the_parse_helper_returns_an_object(client: OpenAI) -> None:
    reply = client.chat.completions.parse(**LONG_ENOUGH_FOR_JSON, response_format=Greeting)
    assert isinstance(reply.choices[0].message.parsed, Greeting)


def test_the_stream_helper_collects_an_object(client: OpenAI) -> None:
    with client.chat.completions.stream(**LONG_ENOUGH_FOR_JSON, response_format=Greeting) as stream:
        seen = [event.type for event in stream]
        completion = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= set(seen)
    assert isinstance(completion.choices[0].message.parsed, Greeting)


def test_the_stream_helper_collects_a_tool_call(client: OpenAI) -> None:
    strict = openai.pydantic_function_tool(Greeting, name="greet")
    with client.chat.completions.stream(**LONG_ENOUGH_FOR_JSON, tools=[strict], tool_choice="required") as stream:
        seen = [event.type for event in stream]
        completion = stream.get_final_completion()
    [call] = completion.choices[0].message.tool_calls or []
    assert "tool_calls.function.arguments.done" in seen
    assert isinstance(call.function.parsed_arguments, Greeting)


def test_embeddings_are_equal_in_the_clients_default_form_and_as_floats(client: OpenAI) -> None:
    texts = ["a cat", "a kitten", "the stock market"]
    packed = client.embeddings.create(model=EMBEDDING_MODEL, input=texts)
    plain = client.embeddings.create(model=EMBEDDING_MODEL, input=texts, encoding_format="float")
    assert (packed.object, packed.model) == ("list", EMBEDDING_MODEL)
    assert packed.usage.total_tokens == packed.usage.prompt_tokens == plain.usage.prompt_tokens > 0
    for one, other in zip(packed.data, plain.data, strict=True):
        assert (one.index, one.object, len(one.embedding)) == (other.index, "embedding", DIMENSIONS)
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)


def test_embeddings_come_in_the_order_of_their_inputs(client: OpenAI) -> None:
    texts = ["a cat", "a kitten", "the stock market"]
    together = client.embeddings.create(model=EMBEDDING_MODEL, input=texts)
    assert [item.index for item in together.data] == [0, 1, 2]
    for text, item in zip(texts, together.data, strict=True):
        [alone] = client.embeddings.create(model=EMBEDDING_MODEL, input=text).data
        assert sum(a * b for a, b in zip(alone.embedding, item.embedding, strict=True)) > 0.99


def test_embeddings_are_cut_to_dimensions_and_keep_unit_length(client: OpenAI) -> None:
    [item] = client.embeddings.create(model=EMBEDDING_MODEL, input="a cat", dimensions=64).data
    assert len(item.embedding) == 64
    assert sum(x * x for x in item.embedding) == pytest.approx(1, abs=1e-5)


def test_models_are_listed(client: OpenAI) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert set(listed) == {CHAT_MODEL, EMBEDDING_MODEL}
    assert {(model.object, type(model.created)) for model in listed.values()} == {("model", int)}
    assert all(model.owned_by for model in listed.values())


@pytest.mark.parametrize("name", [EMBEDDING_MODEL, f"embedded/{EMBEDDING_MODEL}"], ids=["plain", "with a slash"])
def test_a_model_is_retrieved(client: OpenAI, name: str) -> None:
    model = client.models.retrieve(name)
    assert (model.id, model.object) == (EMBEDDING_MODEL, "model")


def test_an_unknown_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(**{**SHORT, "model": "smollm3"})
    error = raised.value
    assert "'smollm3'" in error.message
    assert (str(error.code), error.param, error.type) == ("404", "model", "invalid_request_error")
    assert error.request_id == error.response.headers["x-request-id"] != ""


@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_request_names_its_field(client: OpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**{**SHORT, "temperature": 3, "stream": stream})
    error = raised.value
    assert "temperature: must be between 0 and 2" in error.message
    assert (str(error.code), error.param, error.type) == ("400", "temperature", "invalid_request_error")
    assert error.request_id


def test_a_call_that_is_not_offered_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="/v1/chat/completions"):
        client.responses.create(model=CHAT_MODEL, input="Say hello.")


def test_the_callers_request_id_comes_back(client: OpenAI) -> None:
    reply = client.chat.completions.create(**SHORT, extra_headers={"x-request-id": "from-the-caller"})
    assert reply._request_id == "from-the-caller"
