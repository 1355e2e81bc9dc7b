"""Why a reply ended, in OpenAI's five words, whatever word an upstream has for it.

The words met are those of Gemini, whose OpenAI endpoint lets some through, and of Anthropic, Bedrock and Mistral behind
gateways. A word nobody knows is `stop`: the reply did end, and clients take what is not one of the five
for a reply that goes on.
"""

from collections.abc import Mapping
from typing import Final

STOP: Final = "stop"
TOOL_CALLS: Final = "tool_calls"
CONTENT_FILTER: Final = "content_filter"
FINISH_REASONS: Final = frozenset({STOP, "length", TOOL_CALLS, CONTENT_FILTER, "function_call"})
BROKEN: Final = frozenset({"error", "abort", "insufficient_system_resource"})
"""Words of OpenRouter, vLLM and DeepSeek for a reply that broke off, which no word of the five tells: an upstream that
says one has failed."""

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "length": ("max_tokens", "max_output_tokens", "model_length", "continuation"),
    TOOL_CALLS: ("tool_use",),
    CONTENT_FILTER: (
        "safety", "blocklist", "prohibited_content", "spii", "recitation", "image_safety", "image_prohibited_content",
        "image_recitation", "model_armor", "refusal", "guardrail_intervened",
        # Withheld for reasons Gemini does not tell: `stop` would pass for a complete reply.
        "language", "other", "no_image", "image_other", "escalation", "pup_limited_disabled",
    ),
}  # fmt: skip
_KNOWN: Final = {word: reason for reason, words in _WORDS.items() for word in words} | {
    reason: reason for reason in FINISH_REASONS
}


def finish_reason(told: str, *, called: bool) -> str:
    """The reason of a reply that ended. `called` tells whether it calls tools, be it in an earlier chunk.

    Case does not count, nor what follows a colon (`content_filter: RECITATION`). A reply that calls tools and stops
    says `tool_calls`: agents go on by that word alone, and several servers say `stop` in streams.
    """
    reason = _KNOWN.get(told) or _KNOWN.get(told.partition(":")[0].strip().lower(), STOP)
    return TOOL_CALLS if called and reason in (STOP, "function_call") else reason
