"""What is sent to each vendor for a request, and what is refused in its name."""

from typing import Any

import orjson
import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai.profiles import PROFILES
from modelwire_service.upstreams.openai.requests import request_repair

MESSAGES: list[Json] = [{"role": "user", "content": "hi"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}


def tool(name: str, **function: Any) -> Json:
    return {"type": "function", "function": {"name": name, "parameters": PARAMETERS, **function}}


def named(name: str) -> Json:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *names: str) -> Json:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named(name) for name in names]}}


def call(identity: str, name: str, **more: Any) -> Json:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": "{}"}, **more}


ALLOWED, MUST = allowed("auto", "g"), allowed("required", "g")
BOTH = [tool("f", description="d"), tool("g", description="d")]
EVERYDAY: Json = {"temperature": 0.5, "top_p": 0.9, "stop": ["x"], "presence_penalty": 0.5}
HARMLESS: Json = {
    "metadata": {"a": "b"}, "store": True, "prompt_cache_key": "k", "safety_identifier": "s",
    "prediction": {"type": "content", "content": "x"},
}  # fmt: skip
UNASKED: Json = {
    "n": 1, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}, "logprobs": False,
    "parallel_tool_calls": True, "response_format": {"type": "text"}, "modalities": ["text"], "verbosity": "medium",
    "tools": [], "tool_choice": "auto", "extra_body": {},
}  # fmt: skip
SCHEMA: Json = {"type": "json_schema", "json_schema": {"name": "s", "schema": PARAMETERS}}

SENT: list[tuple[str, Json, Json]] = [
    # profile        given                                          sent
    ("gemini", EVERYDAY, EVERYDAY),
    ("gemini", UNASKED, {}),
    ("gemini", HARMLESS, {}),
    ("gemini", {"user": "u", "service_tier": "flex"}, {"user": "u", "service_tier": "flex"}),
    ("gemini", {"max_tokens": 5}, {"max_tokens": 5}),
    ("gemini", {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
    ("gemini", {"n": 2, "reasoning_effort": "low"}, {"n": 2, "reasoning_effort": "low"}),
    ("gemini", {"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
    ("gemini", {"response_format": SCHEMA}, {"response_format": SCHEMA}),
    ("gemini", {"extra_body": {"google": {"a": "c"}}}, {"extra_body": {"google": {"a": "c"}}}),
    ("gemini", {"tools": [tool("f", strict=True)]}, {"tools": [tool("f", strict=True)]}),
    ("gemini", {"stream_options": {"include_usage": True}}, {"stream_options": {"include_usage": True}}),
    ("aimlapi", {**EVERYDAY, "frequency_penalty": 1}, {**EVERYDAY, "frequency_penalty": 1}),
    ("aimlapi", UNASKED, {}),
    ("aimlapi", {**HARMLESS, "user": "u", "service_tier": "flex", "stream_options": {"include_usage": True}}, {}),
    ("aimlapi", {"logit_bias": {"5": -100}}, {"logit_bias": {"5": -100}}),
    ("aimlapi", {"max_tokens": 5}, {"max_tokens": 5}),
    ("aimlapi", {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ("aimlapi", {"top_p": 0.1}, {"top_p": 0.1}),
    ("aimlapi", {"tools": [tool("f", description="d")]}, {"tools": [tool("f", description="d")]}),
    ("aimlapi", {"tools": [tool("f", strict=True)]}, {"tools": [tool("f", description="f")]}),
    ("aimlapi", {"tools": [tool("f", description="")]}, {"tools": [tool("f", description="f")]}),
    (
        "aimlapi",
        {"tools": [tool("f", description="d")], "tool_choice": named("f")},
        {"tools": [tool("f", description="d")], "tool_choice": named("f")},
    ),
    ("openrouter", {**EVERYDAY, **HARMLESS, **UNASKED}, {**EVERYDAY, **HARMLESS, **UNASKED}),
    ("openrouter", {"max_completion_tokens": 5, "top_k": 4}, {"max_tokens": 5, "top_k": 4}),
    ("openrouter", {"seed": 1, "reasoning": {"effort": "low"}}, {"seed": 1, "reasoning": {"effort": "low"}}),
    ("vllm", {**EVERYDAY, **HARMLESS}, {**EVERYDAY, **HARMLESS}),
    ("vllm", {"top_k": 4, "guided_json": PARAMETERS, "n": 2}, {"top_k": 4, "guided_json": PARAMETERS, "n": 2}),
    ("vllm", {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
    ("vllm", {"tools": [tool("f")], "tool_choice": named("f")}, {"tools": [tool("f")], "tool_choice": named("f")}),
    ("llama-server", {**EVERYDAY, "top_k": 4, "mirostat": 2}, {**EVERYDAY, "top_k": 4, "mirostat": 2}),
    ("llama-server", {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ("llama-server", {"modalities": ["text"], "verbosity": "medium"}, {}),
    (
        "llama-server",
        {"tools": [tool("f"), tool("g")], "tool_choice": named("g")},
        {"tools": [tool("g")], "tool_choice": "required"},
    ),
    (
        "llama-server",
        {"tools": [tool("f"), tool("g")], "tool_choice": "required"},
        {"tools": [tool("f"), tool("g")], "tool_choice": "required"},
    ),
    ("ollama", {**EVERYDAY, "seed": 1}, {**EVERYDAY, "seed": 1}),
    ("ollama", {**UNASKED, **HARMLESS, "user": "u"}, {}),
    ("ollama", {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ("ollama", {"response_format": SCHEMA}, {"response_format": SCHEMA}),
    ("ollama", {"tools": [tool("f")], "tool_choice": "auto"}, {"tools": [tool("f")]}),
    ("ollama", {"tools": [tool("f")], "tool_choice": "none"}, {}),
    ("plain", {"tools": BOTH, "tool_choice": ALLOWED}, {"tools": BOTH, "tool_choice": ALLOWED}),
    *(
        (profile, {"tools": BOTH, "tool_choice": MUST}, {"tools": BOTH[1:], "tool_choice": "required"})
        for profile in ("gemini", "aimlapi", "openrouter", "vllm", "llama-server")
    ),
    *(
        (profile, {"tools": BOTH, "tool_choice": ALLOWED}, {"tools": BOTH[1:]})
        for profile in ("gemini", "aimlapi", "vllm", "llama-server", "ollama")
    ),
    ("openrouter", {"tools": BOTH, "tool_choice": allowed("auto", "g", "f")}, {"tools": BOTH, "tool_choice": "auto"}),
    ("ollama", {"stream_options": {"include_usage": True}}, {"stream_options": {"include_usage": True}}),
]  # fmt: skip


def repaired(profile: str, request: Json) -> Json:
    repair = request_repair(PROFILES[profile])
    return request if repair is None else repair(request)


@pytest.mark.parametrize(("profile", "given", "sent"), SENT)
def test_members_of_a_request(profile: str, given: Json, sent: Json) -> None:
    request = {"model": "m", "messages": MESSAGES, **given}
    before = orjson.dumps(request)
    assert repaired(profile, request) == {"model": "m", "messages": MESSAGES, **sent}
    assert orjson.dumps(request) == before


REFUSED: list[tuple[str, Json, list[str]]] = [
    ("gemini", {"frequency_penalty": 0.5}, ["frequency_penalty: not supported by Gemini's OpenAI endpoint"]),
    ("gemini", {"seed": 1}, ["seed: not supported by Gemini's OpenAI endpoint"]),
    (
        "gemini",
        {"top_k": 4, "logit_bias": {"5": 1}},
        [f"{name}: not supported by Gemini's OpenAI endpoint" for name in ("top_k", "logit_bias")],
    ),
    (
        "gemini",
        {"logprobs": True, "top_logprobs": 2},
        [f"{name}: not supported by Gemini's OpenAI endpoint" for name in ("logprobs", "top_logprobs")],
    ),
    ("gemini", {"web_search_options": {}}, ["web_search_options: not supported by Gemini's OpenAI endpoint"]),
    ("gemini", {"reasoning": {}}, ["reasoning: not supported by Gemini's OpenAI endpoint"]),
    ("gemini", {"verbosity": "low"}, ["verbosity: not supported by Gemini's OpenAI endpoint"]),
    ("aimlapi", {"top_p": 0.05}, ["top_p: must be at least 0.1 with aimlapi"]),
    ("aimlapi", {"n": 2, "seed": 1}, ["n: not supported by aimlapi", "seed: not supported by aimlapi"]),
    ("aimlapi", {"response_format": {"type": "json_object"}}, ["response_format: not supported by aimlapi"]),
    ("aimlapi", {"parallel_tool_calls": False}, ["parallel_tool_calls: not supported by aimlapi"]),
    ("aimlapi", {"tools": [{**tool("f"), "cache_control": {}}]}, ["tools[0].cache_control: not supported by aimlapi"]),
    (
        "aimlapi",
        {"tools": [tool("f"), tool("g", hint="h")]},
        ["tools[1].function.hint: not supported by aimlapi"],
    ),
    (
        "aimlapi",
        {"tools": [tool("f"), tool("g", hint="h")], "tool_choice": allowed("auto", "g")},
        ["tools[1].function.hint: not supported by aimlapi"],
    ),
    (
        "ollama",
        {"tools": BOTH, "tool_choice": allowed("required", "g")},
        ["tool_choice: not supported by Ollama's OpenAI endpoint"],
    ),
    ("vllm", {"web_search_options": {}}, ["web_search_options: not supported by vLLM"]),
    ("llama-server", {"modalities": ["audio"]}, ["modalities: not supported by llama-server"]),
    ("ollama", {"n": 2}, ["n: not supported by Ollama's OpenAI endpoint"]),
    ("ollama", {"top_k": 4}, ["top_k: not supported by Ollama's OpenAI endpoint"]),
    ("ollama", {"logit_bias": {"5": 1}}, ["logit_bias: not supported by Ollama's OpenAI endpoint"]),
    (
        "ollama",
        {"tools": [tool("f")], "tool_choice": "required"},
        ["tool_choice: not supported by Ollama's OpenAI endpoint"],
    ),
    (
        "ollama",
        {"tools": [tool("f")], "tool_choice": named("f")},
        ["tool_choice: not supported by Ollama's OpenAI endpoint"],
    ),
]


@pytest.mark.parametrize(("profile", "given", "complaints"), REFUSED)
def test_what_a_vendor_would_refuse_or_ignore_is_refused_by_name(
    profile: str, given: Json, complaints: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        repaired(profile, {"model": "m", "messages": MESSAGES, **given})
    assert [str(violation) for violation in caught.value.violations] == complaints


TEXTS = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
ANSWERED: Json = {
    "role": "assistant", "content": None, "refusal": None, "annotations": [], "audio": None, "function_call": None,
    "reasoning_content": "hm", "tool_calls": [call("a", "f", extra_content={"google": {}})],
}  # fmt: skip

MESSAGES_SENT: list[tuple[str, Json, Json]] = [
    # profile        given                                          sent
    ("aimlapi", {"role": "developer", "content": "d"}, {"role": "system", "content": "d"}),
    ("aimlapi", {"role": "system", "content": TEXTS}, {"role": "system", "content": "ab"}),
    ("aimlapi", {"role": "user", "content": [*TEXTS, IMAGE]}, {"role": "user", "content": [*TEXTS, IMAGE]}),
    ("aimlapi", ANSWERED, {"role": "assistant", "content": "", "tool_calls": [call("a", "f")]}),
    ("aimlapi", {"role": "assistant", "content": TEXTS}, {"role": "assistant", "content": "ab"}),
    (
        "aimlapi",
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": "no"},
    ),
    (
        "aimlapi",
        {"role": "tool", "tool_call_id": "a", "name": "f", "content": TEXTS},
        {"role": "tool", "tool_call_id": "a", "content": "ab"},
    ),
    ("gemini", ANSWERED, ANSWERED),
    ("openrouter", ANSWERED, ANSWERED),
    ("vllm", ANSWERED, ANSWERED),
    ("llama-server", ANSWERED, ANSWERED),
    (
        "ollama",
        {"role": "assistant", "content": "a", "reasoning_content": "hm"},
        {"role": "assistant", "content": "a", "reasoning": "hm"},
    ),
    (
        "ollama",
        {"role": "tool", "tool_call_id": "a", "content": TEXTS},
        {"role": "tool", "tool_call_id": "a", "content": "ab"},
    ),
    ("ollama", {"role": "user", "content": TEXTS}, {"role": "user", "content": TEXTS}),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "given", "sent"), MESSAGES_SENT)
def test_messages(profile: str, given: Json, sent: Json) -> None:
    before = orjson.dumps(given)
    assert repaired(profile, {"model": "m", "messages": [given]})["messages"] == [sent]
    assert orjson.dumps(given) == before


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({"role": "user", "content": "a", "cache_control": {}}, "messages[0].cache_control"),
        ({"role": "user", "content": [{"type": "file", "file": {}}]}, "messages[0].content[0].file"),
        ({"role": "assistant", "content": None, "audio": {"id": "x"}}, "messages[0].audio"),
        (
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            "messages[0].function_call",
        ),
    ],
)
def test_messages_aimlapi_would_refuse_are_refused_by_name(message: Json, complaint: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        repaired("aimlapi", {"model": "m", "messages": [message]})
    assert [str(violation) for violation in caught.value.violations] == [f"{complaint}: not supported by aimlapi"]
