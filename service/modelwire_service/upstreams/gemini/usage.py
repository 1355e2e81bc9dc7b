"""usageMetadata, as OpenAI's usage. In a stream it is cumulative: the last is all of it."""

from typing import Any, Final

from modelwire_service.upstreams.answer_json import MAX_INT32, as_count
from modelwire_service.upstreams.base import Json

_AUDIO: Final = "AUDIO"


def usage_of(metadata: Json) -> Json:
    """OpenAI's usage. What a model thought is part of what it completed, as OpenAI counts."""
    asked = as_count(metadata.get("promptTokenCount")) + as_count(metadata.get("toolUsePromptTokenCount"))
    prompt = min(asked, MAX_INT32)
    said, thought = as_count(metadata.get("candidatesTokenCount")), as_count(metadata.get("thoughtsTokenCount"))
    told = as_count(metadata.get("totalTokenCount"))
    # Some models count thoughts among what candidates said; the total tells.
    completed = said if told and prompt + said == told else said + thought
    return {
        "prompt_tokens": prompt,
        "completion_tokens": min(completed, MAX_INT32),
        "total_tokens": told or min(prompt + completed, MAX_INT32),
        "prompt_tokens_details": {
            "cached_tokens": as_count(metadata.get("cachedContentTokenCount")),
            "audio_tokens": _of_audio(metadata.get("promptTokensDetails")),
        },
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": _of_audio(metadata.get("candidatesTokensDetails")),
        },
    }


def _of_audio(details: Any) -> int:
    counts = [item for item in details if isinstance(item, dict)] if isinstance(details, list) else []
    return as_count(sum(as_count(item.get("tokenCount")) for item in counts if item.get("modality") == _AUDIO))
