"""Whole requests as OpenAI's JSON, ready to be validated like those of any door."""

from typing import Final

from modelwire_service.typed.fields import (
    EXTRA,
    Convert,
    Fields,
    each,
    extra,
    json_members,
    made,
    object_of,
    one_of,
    put_all,
    renamed,
    same,
    word_of,
)
from modelwire_service.typed.json_texts import Texts
from modelwire_service.typed.messages import message
from modelwire_service.typed.tools import response_format, tool, tool_choice
from modelwire_service.typed.words import AUDIO_FORMATS, CONTEXT_SIZES, MODALITIES, REASONING_EFFORTS, VERBOSITIES
from modelwire_service.upstreams.base import Json
from modelwire_service.validation.report import Path


def chat_request(given: Json) -> Json:
    """A CreateChatCompletionRequest. Raises InvalidRequest, in its own fields, for what OpenAI's JSON cannot say."""
    return _request(given, _CHAT)


def embeddings_request(given: Json) -> Json:
    """A CreateEmbeddingsRequest. Raises InvalidRequest likewise."""
    return _request(given, _EMBEDDINGS)


def _request(given: Json, fields: Fields) -> Json:
    texts = Texts()
    request = put_all({}, given, (), texts, fields)
    texts.report.raise_if_any()
    return request


_voice: Final[Convert] = one_of(
    {"voice_name": lambda name, path, texts: name, "voice_id": lambda own, path, texts: {"id": own}}
)
_predicted: Final[Convert] = one_of(
    {
        "text": lambda text, path, texts: text,
        "parts": lambda given, path, texts: [{"type": "text", "text": text} for text in given.get("items", ())],
    }
)
_audio_format: Final = word_of(AUDIO_FORMATS)


def _audio(given: Json, path: Path, texts: Texts) -> Json:
    audio: Json = {"voice": _voice(given, path, texts)}
    if "format" in given:
        audio["format"] = _audio_format(given["format"], (*path, "format"), texts)
    return audio


def _prediction(given: Json, path: Path, texts: Texts) -> Json:
    return {"type": "content", "content": _predicted(given, path, texts)}


def _location(given: Json, path: Path, texts: Texts) -> Json:
    return {"type": "approximate", "approximate": given}


_SEARCH: Final[Fields] = {
    "search_context_size": made(word_of(CONTEXT_SIZES)),
    "user_location": made(_location),
}

_SAME: Final = (
    "model", "parallel_tool_calls", "max_completion_tokens", "n", "stop", "temperature", "top_p", "presence_penalty",
    "frequency_penalty", "logit_bias", "seed", "logprobs", "top_logprobs", "metadata", "store", "service_tier", "user",
    "safety_identifier", "prompt_cache_key",
)  # fmt: skip
_MADE: Final[Fields] = {
    "messages": made(each(message)),
    "tools": made(each(tool)),
    "tool_choice": made(tool_choice),
    "response_format": made(response_format),
    "reasoning_effort": made(word_of(REASONING_EFFORTS)),
    "verbosity": made(word_of(VERBOSITIES)),
    "modalities": made(each(word_of(MODALITIES))),
    "audio": made(_audio),
    "prediction": made(_prediction),
    "web_search_options": made(object_of(_SEARCH)),
}
_CHAT: Final[Fields] = {
    **dict.fromkeys(_SAME, same),
    **_MADE,
    "extra_body_json": made(json_members, "extra_body"),
    EXTRA: extra(frozenset({*_SAME, *_MADE, "extra_body", "stream", "stream_options"})),
}
_EMBEDDINGS: Final[Fields] = {
    **dict.fromkeys(("model", "dimensions", "user"), same),
    "inputs": renamed("input"),
    EXTRA: extra(frozenset({"model", "input", "dimensions", "user", "encoding_format"})),
}
