"""One client code over each vendor's dialect: a tool-calling loop, then an answer that is parsed.

Each vendor streams two parallel calls and then answers whole, in the words documented or reported of it. The client
is OpenAI's, with the helpers that fail where index, id or reason are not as OpenAI has them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from aiohttp import web
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam, ParsedChatCompletion
from pydantic import BaseModel
from support.scripted_server import Answer
from support.scripted_upstream import DONE, ScriptedUpstream, answer_events, answer_json
from support.stack import openai_settings, running_stack

Json = dict[str, Any]
CITIES = ["Oslo", "Lima"]
USAGE: Json = {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}


class GetWeather(BaseModel):
    """The weather of a city."""

    city: str


class Report(BaseModel):
    warmest: str


@dataclass(frozen=True)
class Vendor:
    """What a vendor answers, call by call, and what must hold of what it was sent."""

    profile: str
    calls: tuple[Any, ...]
    report: Json
    accepts: Callable[[Json], object]
    model: str = "m"
    status: int = 200
    structured: bool = True
    thoughts: str | None = None
    usage_in_streams: bool = True

    def answers(self) -> Answer:
        told = iter([answer_events(*self.calls), answer_json(self.report, self.status)])

        async def answer(request: web.Request, body: Json) -> web.StreamResponse:
            return await next(told)(request, body)

        return answer


def chunk(delta: Json, finish: str | None = None, **more: Any) -> Json:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def reply(message: Json, **more: Any) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    head = {"id": "r", "object": "chat.completion", "created": 2, "model": "m"}
    return {**head, "choices": [choice], "usage": USAGE, **more}


def call(city: str, identity: str | None = None, **more: Any) -> Json:
    told = {} if identity is None else {"id": identity}
    function = {"name": "GetWeather", "arguments": json.dumps({"city": city})}
    return {**told, "type": "function", "function": function, **more}


TELL = {"content": '{"warmest": "Lima"}'}


def of_google(delta: Json, finish: str | None = None, **usage: int) -> Json:
    """A chunk without index or created, with usage so far on each."""
    choice = {"delta": {"role": "assistant", **delta}} | ({} if finish is None else {"finish_reason": finish})
    return {"object": "chat.completion.chunk", "model": "gemini-3-flash", "choices": [choice], "usage": usage}


def google_accepts(body: Json) -> None:
    known = {"model", "messages", "stream", "stream_options", "tools", "response_format", "temperature"}
    assert body.keys() <= known, "Unknown name: Cannot find field."
    assert body["model"] == "models/gemini-3-flash"
    for message in body["messages"]:
        for at, made in enumerate(message.get("tool_calls") or []):
            signature = made["extra_content"]["google"]["thought_signature"] if at == 0 else "none needed"
            assert signature, "Function call is missing a thought_signature"


def aimlapi_accepts(body: Json) -> None:
    assert body.keys() <= {"model", "messages", "stream", "tools", "max_tokens", "temperature"}
    for tool in body["tools"]:
        assert tool["function"].keys() == {"name", "description", "parameters"}
    for message in body["messages"]:
        assert isinstance(message["content"], str)
        assert message.keys() <= {"role", "content", "tool_calls", "tool_call_id"}


def ollama_accepts(body: Json) -> None:
    assert not body.keys() & {"max_completion_tokens", "parallel_tool_calls", "tool_choice"}
    assert all(isinstance(message["content"], str) for message in body["messages"] if message["role"] == "tool")


VENDORS = [
    Vendor(
        "gemini",
        model="models/gemini-3-flash",
        calls=(
            of_google({"content": "<thought>Both ", "extra_content": {"google": {"thought": True}}}, prompt_tokens=9),
            of_google({"content": "cities.</th", "extra_content": {"google": {"thought": True}}}, prompt_tokens=9),
            of_google(
                {
                    "content": "ought>",
                    "tool_calls": [call("Oslo", "", extra_content={"google": {"thought_signature": "sig"}})],
                },
                prompt_tokens=9, completion_tokens=1, total_tokens=12,
            ),
            of_google({"tool_calls": [call("Lima", "")]}, prompt_tokens=9, completion_tokens=3, total_tokens=14),
            of_google({}, "stop", prompt_tokens=9, completion_tokens=4, total_tokens=15),
            DONE,
        ),
        report={"object": "chat.completion", "choices": [{"message": {"role": "assistant", **TELL}}], "usage": USAGE},
        accepts=google_accepts,
        thoughts="Both cities.",
    ),
    Vendor(
        "aimlapi",
        status=201,
        calls=(
            chunk({"role": "assistant", "content": "", "tool_calls": [call("Oslo", "a", index=0)]}),
            chunk({"tool_calls": [call("Lima", "b", index=1)]}, "tool_calls"),
            DONE,
        ),
        report={key: value for key, value in reply(TELL).items() if key != "model"},
        accepts=aimlapi_accepts,
        structured=False,
        usage_in_streams=False,
    ),
    Vendor(
        "openrouter",
        calls=(
            b": OPENROUTER PROCESSING\n\n",
            chunk({"role": "assistant", "content": "", "reasoning": "Both "}),
            b": OPENROUTER PROCESSING\n\n",
            chunk({"role": "assistant", "content": "", "reasoning": "cities."}),
            chunk({"role": "assistant", "content": None, "tool_calls": [call("Oslo", "a", index=0)]}),
            chunk({"role": "assistant", "content": None, "tool_calls": [call("Lima", "b", index=1)]}),
            chunk({"role": "assistant", "content": ""}, "tool_calls"),
            chunk({"role": "assistant", "content": ""}, usage=USAGE),
            DONE,
        ),
        report=reply({**TELL, "reasoning": None}, provider="p"),
        accepts=lambda body: body["stream_options"] if body.get("stream") else None,
        thoughts="Both cities.",
    ),
    Vendor(
        "vllm",
        calls=(
            chunk({"role": "assistant", "content": ""}),
            chunk({"reasoning": "Both ", "reasoning_content": "Both "}),
            chunk({"reasoning": "cities."}),
            chunk({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "GetWeather"}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]}),
            chunk({"tool_calls": [call("Lima", "b", index=1)]}),
            chunk({"content": ""}, "stop"),
            {**chunk({}), "choices": [], "usage": USAGE},
            DONE,
        ),
        report=reply({**TELL, "tool_calls": [], "reasoning_content": None}, prompt_logprobs=None),
        accepts=lambda body: body["tools"],
        thoughts="Both cities.",
    ),
    Vendor(
        "llama-server",
        calls=(
            chunk({"role": "assistant", "content": None}),
            chunk({"reasoning_content": "Both cities."}),
            chunk({"tool_calls": [call("Oslo", "", index=0)]}),
            chunk({"tool_calls": [call("Lima", "", index=1)]}),
            chunk({}, "tool_calls"),
            {**chunk({}), "choices": [], "usage": USAGE, "timings": {"prompt_n": 9}},
            DONE,
        ),
        report=reply(TELL, timings={"prompt_n": 9}),
        accepts=lambda body: body["tools"],
        thoughts="Both cities.",
    ),
    Vendor(
        "ollama",
        calls=(
            chunk({"role": "assistant", "content": "", "reasoning": "Both cities."}),
            chunk({"role": "assistant", "content": "", "tool_calls": [call("Oslo", "call_a", index=0)]}),
            chunk({"role": "assistant", "content": "", "tool_calls": [call("Lima", "call_b", index=0)]}),
            chunk({"role": "assistant", "content": ""}, "stop"),
            {**chunk({}), "choices": [], "usage": USAGE},
            DONE,
        ),
        report=reply({**TELL, "reasoning": "Lima is warmer."}, system_fingerprint="fp_ollama"),
        accepts=ollama_accepts,
        thoughts="Both cities.",
    ),
    Vendor(
        "plain",
        calls=(
            chunk({"role": "assistant", "content": None}),
            chunk({"tool_calls": [call("Oslo", "a", index=0), call("Lima", "b", index=1)]}),
            chunk({}, "tool_calls"),
            {**chunk({}), "choices": [], "usage": USAGE},
            DONE,
        ),
        report=reply(TELL),
        accepts=lambda body: body["tools"],
    ),
]  # fmt: skip


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.profile)
async def test_a_tool_loop_and_a_parsed_answer(vendor: Vendor, backend: str) -> None:
    async with ScriptedUpstream(vendor.model).listening() as upstream:
        upstream.answer = vendor.answers()
        async with (
            running_stack(openai_settings(upstream.url, profile=vendor.profile)) as stack,
            AsyncOpenAI(base_url=stack.url(backend) + "/v1", api_key="none", max_retries=0, timeout=30) as client,
        ):
            await converse(client, vendor)
        for body in upstream.seen:
            vendor.accepts(body)


async def converse(client: AsyncOpenAI, vendor: Vendor) -> None:
    name = vendor.model.removeprefix("models/")
    tools = [openai.pydantic_function_tool(GetWeather)]
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Where is it warmest?"}]
    asked: Json = {"model": name, "tools": tools}
    async with client.chat.completions.stream(
        **asked, messages=messages, stream_options={"include_usage": True}
    ) as stream:
        chunks = [event.chunk async for event in stream if event.type == "chunk"]
        called: ParsedChatCompletion[None] = await stream.get_final_completion()
    check_calls(called, vendor)
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert [choice.delta.role for chunk in chunks for choice in chunk.choices if choice.delta.role] == ["assistant"]

    message = called.choices[0].message
    messages.append(message.model_dump(exclude={"parsed"}))  # type: ignore[arg-type]
    for made in message.tool_calls or []:
        parts = [{"type": "text", "text": "20 °C"}]
        messages.append({"role": "tool", "tool_call_id": made.id, "content": parts})  # type: ignore[typeddict-item]
    structured: Json = {"response_format": Report} if vendor.structured else {}
    answered = await client.chat.completions.parse(**asked, messages=messages, **structured)
    [choice] = answered.choices
    assert (answered.object, choice.index, choice.finish_reason) == ("chat.completion", 0, "stop")
    assert answered.id
    assert answered.created
    assert Report.model_validate_json(choice.message.content or "").warmest == "Lima"
    assert choice.message.parsed == (Report(warmest="Lima") if vendor.structured else None)
    assert answered.usage is not None
    assert answered.usage.total_tokens == 15


def check_calls(called: ParsedChatCompletion[None], vendor: Vendor) -> None:
    [choice] = called.choices
    made = choice.message.tool_calls or []
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "tool_calls", "assistant")
    assert [call.function.parsed_arguments for call in made] == [GetWeather(city=city) for city in CITIES]
    assert len({call.id for call in made} - {""}) == len(CITIES)
    assert getattr(choice.message, "reasoning_content", None) == vendor.thoughts
    told = called.usage.model_dump() if called.usage else {}
    assert {key: told.get(key) for key in USAGE} == (USAGE if vendor.usage_in_streams else dict.fromkeys(USAGE))
