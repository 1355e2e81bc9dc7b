"""The one table of bounds. Upstreams with narrower ones refuse for themselves.

Vocabularies that grow with the models (reasoning_effort, verbosity, service_tier) are the upstream's to
judge, and so is how many stop sequences there may be (OpenAI takes 4, Gemini 5).
"""

from collections.abc import Mapping
from typing import Any, Final

from modelwire_service.validation.checks import (
    NOT_EMPTY,
    Check,
    above,
    between,
    boolean,
    each,
    filled,
    integer,
    mapping,
    one_of,
    shape,
    text,
)
from modelwire_service.validation.report import Path, Report


def stop_sequences(value: Any, path: Path, report: Report) -> None:
    if isinstance(value, list):
        _strings(value, path, report)
        if not value:
            report.add(path, NOT_EMPTY)
    elif isinstance(value, str):
        filled(value, path, report)
    else:
        report.add(path, "must be a string or a list of strings")


def voice(value: Any, path: Path, report: Report) -> None:
    if isinstance(value, str):
        filled(value, path, report)
    elif not isinstance(value, dict):
        report.add(path, "must be a string or an object")


def token_biases(value: Any, path: Path, report: Report) -> None:
    mapping(value, path, report)
    if not isinstance(value, dict):
        return
    for token, bias in value.items():
        if not (token.isascii() and token.isdigit()):
            report.add((*path, token), "must have a token id as its key")
        _bias(bias, (*path, token), report)


def string_values(value: Any, path: Path, report: Report) -> None:
    mapping(value, path, report)
    if isinstance(value, dict):
        for name, member in value.items():
            text(member, (*path, name), report)


MAX_TOOLS: Final = 512
"""Gemini's, the widest of the vendors' own: OpenAI refuses more than 128."""

_strings: Final = each(filled)
_bias: Final = between(-100, 100)

CHAT_BOUNDS: Final[Mapping[str, Check]] = {
    "stream": boolean,
    "stream_options": shape({}, {"include_usage": boolean, "include_obfuscation": boolean}),
    "n": integer(1, 128),
    "stop": stop_sequences,
    "max_completion_tokens": integer(1),
    "max_tokens": integer(1),
    "temperature": between(0, 2),
    "top_p": above(0, 1),
    "presence_penalty": between(-2, 2),
    "frequency_penalty": between(-2, 2),
    "logit_bias": token_biases,
    "seed": integer(-(2**63), 2**63 - 1),
    "logprobs": boolean,
    "top_logprobs": integer(0, 20),
    "user": text,
    "parallel_tool_calls": boolean,
    "reasoning_effort": filled,
    "modalities": each(one_of("text", "audio", "image")),
    "audio": shape({"format": one_of("wav", "mp3", "flac", "opus", "pcm16"), "voice": voice}),
    "metadata": string_values,
    "store": boolean,
    "service_tier": filled,
    "prediction": mapping,
    "verbosity": filled,
    "web_search_options": mapping,
    "prompt_cache_key": text,
    "safety_identifier": text,
    "extra_body": mapping,
}

EMBEDDINGS_BOUNDS: Final[Mapping[str, Check]] = {
    "encoding_format": one_of("float", "base64"),
    "dimensions": integer(1),
    "user": text,
}
