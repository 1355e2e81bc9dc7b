"""Chunks as OpenAI itself sends nearly all of them: a piece of text and nothing else.

They come by the hundred, so they are told from all others by a few looks, and what others may need is not looked for.
"""

from typing import Any, Final

from modelwire_service.upstreams.answer_json import MAX_INT32
from modelwire_service.upstreams.base import Json

_CHUNK: Final = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier", "choices"})
_CHOICE: Final = frozenset({"index", "delta", "logprobs", "finish_reason"})
_DELTA: Final = frozenset({"content", "role"})


def plain_choice(chunk: Any) -> Json | None:
    """The one choice of a chunk that tells text alone, all of whose values have OpenAI's types; None for all others."""
    if type(chunk) is not dict or not chunk.keys() <= _CHUNK or chunk.get("object") != "chat.completion.chunk":
        return None
    choices = chunk.get("choices")
    if type(choices) is not list or len(choices) != 1 or not _is_text_or_none(chunk, "system_fingerprint"):
        return None
    choice = choices[0]
    if type(choice) is not dict or not choice.keys() <= _CHOICE or not _is_text_or_none(chunk, "service_tier"):
        return None
    index, delta = choice.get("index"), choice.get("delta")
    if type(index) is not int or not 0 <= index <= MAX_INT32 or type(delta) is not dict or not delta.keys() <= _DELTA:
        return None
    if choice.get("logprobs") is not None or choice.get("finish_reason") is not None:
        return None
    return choice if type(delta.get("content")) is str else None


def _is_text_or_none(members: Json, name: str) -> bool:
    value = members.get(name)
    return value is None or type(value) is str
