import math
from collections.abc import Callable
from typing import Any

import pytest

WAV = {"format": "wav", "voice": "alloy"}

REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"temperature": 3}, ["temperature: must be between 0 and 2"]),
    ({"temperature": -0.1}, ["temperature: must be between 0 and 2"]),
    ({"temperature": math.nan}, ["temperature: must be between 0 and 2"]),
    ({"temperature": -math.inf}, ["temperature: must be between 0 and 2"]),
    ({"temperature": "NaN"}, ["temperature: must be between 0 and 2"]),
    ({"top_p": "Infinity"}, ["top_p: must be above 0 and at most 1"]),
    ({"presence_penalty": "-Infinity"}, ["presence_penalty: must be between -2 and 2"]),
    ({"temperature": ["NaN"]}, ["temperature: must be a number"]),
    ({"temperature": "warm"}, ["temperature: must be a number"]),
    ({"top_p": 0}, ["top_p: must be above 0 and at most 1"]),
    ({"top_p": 1.01}, ["top_p: must be above 0 and at most 1"]),
    ({"presence_penalty": 2.5}, ["presence_penalty: must be between -2 and 2"]),
    ({"frequency_penalty": -3}, ["frequency_penalty: must be between -2 and 2"]),
    ({"n": 0}, ["n: must be between 1 and 128"]),
    ({"n": -1}, ["n: must be between 1 and 128"]),
    ({"n": 129}, ["n: must be between 1 and 128"]),
    ({"n": 1.5}, ["n: must be an integer"]),
    ({"max_tokens": 0}, ["max_tokens: must be at least 1"]),
    ({"max_completion_tokens": -5}, ["max_completion_tokens: must be at least 1"]),
    ({"max_completion_tokens": 5, "max_tokens": 0}, ["max_tokens: must be at least 1"]),
    ({"seed": 2**63}, ["seed: must be between -9223372036854775808 and 9223372036854775807"]),
    ({"seed": "7"}, ["seed: must be an integer"]),
    ({"logprobs": 1}, ["logprobs: must be a boolean"]),
    ({"logprobs": True, "top_logprobs": 21}, ["top_logprobs: must be between 0 and 20"]),
    ({"logprobs": True, "top_logprobs": -1}, ["top_logprobs: must be between 0 and 20"]),
    ({"stream": "yes"}, ["stream: must be a boolean"]),
    ({"stream": True, "stream_options": []}, ["stream_options: must be an object"]),
    (
        {"stream": True, "stream_options": {"include_usage": "yes", "include_obfuscation": 0}},
        [
            "stream_options.include_usage: must be a boolean",
            "stream_options.include_obfuscation: must be a boolean",
        ],
    ),
    ({"stop": ""}, ["stop: must not be empty"]),
    ({"stop": []}, ["stop: must not be empty"]),
    ({"stop": ["a", "", "b"]}, ["stop[1]: must not be empty"]),
    ({"stop": [1, 2]}, ["stop[0]: must be a string", "stop[1]: must be a string"]),
    ({"stop": ["a", None]}, ["stop[1]: must be a string"]),
    ({"stop": 5}, ["stop: must be a string or a list of strings"]),
    ({"stop": {"a": 1}}, ["stop: must be a string or a list of strings"]),
    ({"logit_bias": [1]}, ["logit_bias: must be an object"]),
    ({"logit_bias": {"50256": 101}}, ["logit_bias.50256: must be between -100 and 100"]),
    ({"logit_bias": {"50256": math.nan}}, ["logit_bias.50256: must be between -100 and 100"]),
    ({"logit_bias": {"50256": "ban"}}, ["logit_bias.50256: must be a number"]),
    ({"logit_bias": {"50256": None}}, ["logit_bias.50256: must be a number"]),
    ({"logit_bias": {"the": 1}}, ["logit_bias.the: must have a token id as its key"]),
    ({"logit_bias": {"-1": 1}}, ["logit_bias.-1: must have a token id as its key"]),
    ({"logit_bias": {"٣": 1}}, ['logit_bias["٣"]: must have a token id as its key']),
    (
        {"logit_bias": {"": 200}},
        ['logit_bias[""]: must have a token id as its key', 'logit_bias[""]: must be between -100 and 100'],
    ),
    ({"user": 5}, ["user: must be a string"]),
    ({"parallel_tool_calls": "no"}, ["parallel_tool_calls: must be a boolean"]),
    ({"store": 0}, ["store: must be a boolean"]),
    ({"reasoning_effort": ""}, ["reasoning_effort: must not be empty"]),
    ({"reasoning_effort": 3}, ["reasoning_effort: must be a string"]),
    ({"verbosity": ""}, ["verbosity: must not be empty"]),
    ({"service_tier": ""}, ["service_tier: must not be empty"]),
    ({"modalities": ["text", "video"]}, ["modalities[1]: must be one of text, audio, image, not 'video'"]),
    ({"modalities": "text"}, ["modalities: must be a list"]),
    ({"modalities": [None]}, ["modalities[0]: must be a string"]),
    ({"modalities": ["audio"], "audio": "wav"}, ["audio: must be an object"]),
    ({"modalities": ["audio"], "audio": {}}, ["audio.format: is required", "audio.voice: is required"]),
    (
        {"modalities": ["audio"], "audio": {"format": "ogg", "voice": ""}},
        ["audio.format: must be one of wav, mp3, flac, opus, pcm16, not 'ogg'", "audio.voice: must not be empty"],
    ),
    ({"modalities": ["audio"], "audio": WAV | {"voice": 5}}, ["audio.voice: must be a string or an object"]),
    ({"metadata": "x"}, ["metadata: must be an object"]),
    ({"metadata": {"a": 5, "b c": None}}, ["metadata.a: must be a string", 'metadata["b c"]: must be a string']),
    ({"prediction": "text"}, ["prediction: must be an object"]),
    ({"web_search_options": True}, ["web_search_options: must be an object"]),
    ({"extra_body": []}, ["extra_body: must be an object"]),
    ({"prompt_cache_key": 1}, ["prompt_cache_key: must be a string"]),
    ({"safety_identifier": {}}, ["safety_identifier: must be a string"]),
]


@pytest.mark.parametrize(("members", "violations"), REFUSED)
def test_a_field_out_of_bounds_is_refused_with_the_reason(
    members: dict[str, Any], violations: list[str], chat_violations: Callable[..., list[str]]
) -> None:
    assert chat_violations(**members) == violations


@pytest.mark.parametrize(
    "members",
    [
        {"temperature": 0},
        {"temperature": 2.0},
        {"top_p": 0.0001},
        {"top_p": 1},
        {"presence_penalty": -2, "frequency_penalty": 2},
        {"n": 1},
        {"n": 128},
        {"max_tokens": 1},
        {"seed": -(2**63)},
        {"seed": 0},
        {"logprobs": False},
        {"logprobs": True, "top_logprobs": 0},
        {"stop": "\n"},
        {"stop": ["a"] * 16},
        {"logit_bias": {}},
        {"logit_bias": {"0": -100, "50256": 100.0}},
        {"user": ""},
        {"reasoning_effort": "xhigh", "verbosity": "low", "service_tier": "flex"},
        {"modalities": ["text", "image"]},
        {"modalities": ["text", "audio"], "audio": WAV},
        {"modalities": ["audio"], "audio": {"format": "pcm16", "voice": {"id": "voice_1"}}},
        {"metadata": {"trace": "", "a b": "c"}},
        {"prediction": {"type": "content", "content": "x"}, "web_search_options": {}},
        {"extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}},
        {"top_k": "whatever the upstream takes", "guided_json": {"type": "object"}},
    ],
)
def test_a_field_within_bounds_passes(members: dict[str, Any], chat_violations: Callable[..., list[str]]) -> None:
    assert chat_violations(**members) == []
