"""Chunks as OpenAI itself sends nearly all of them: a piece of text and nothing else.

They come by the hundred, so they are told from all others by a few looks, and what others may need is not looked for.
"""

from typing import Any, Final

from modelwire_service.upstreams.answer_json import MAX_INT32
from modelwire_service.upstreams.base import Json

_CHUNK: Final = frozenset({
    "id", "object", "created", "model", "system_fingerprint", "service_tier", "choices", "usage",
})  # fmt: skip
_CHOICE: Final = frozenset({"index", "delta", "logprobs", "finish_reason"})
_DELTA: Final = frozenset({"content", "role"})
_TEXT: Final = (str, type(None))


def plain_choice(chunk: Any) -> Json | None:
    """The one choice of a chunk that tells text alone, all of whose values have OpenAI's types; None for all others."""
    if type(chunk) is not dict or not chunk.keys() <= _CHUNK or chunk.get("object") != "chat.completion.chunk":
        return None
    if chunk.get("usage") is not None:  # null until the end, for who asks for it
        return None
    choices = chunk.get("choices")
    if type(choices) is not list or len(choices) != 1 or type(choice := choices[0]) is not dict:
        return None
    if not choice.keys() <= _CHOICE or choice.get("finish_reason") is not None or choice.get("logprobs") is not None:
        return None
    delta, index = choice.get("delta"), choice.get("index")
    if type(delta) is not dict or not delta.keys() <= _DELTA or type(delta.get("content")) is not str:
        return None
    named = type(chunk.get("system_fingerprint")) in _TEXT and type(chunk.get("service_tier")) in _TEXT
    return choice if named and type(index) is int and 0 <= index <= MAX_INT32 else None
