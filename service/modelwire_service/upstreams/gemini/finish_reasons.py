"""Why a candidate ended: Gemini's many reasons in OpenAI's five."""

from collections.abc import Mapping
from typing import Final

from modelwire_service.upstreams.base import Json

_CONTENT_FILTER: Final = "content_filter"
_REASONS: Final[Mapping[str, str]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",  # there is more to come, for who asks
    **dict.fromkeys(
        (
            "SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
            "MODEL_ARMOR", "RECITATION", "IMAGE_RECITATION",
            # Withheld for reasons Gemini does not tell: `stop` would pass for a complete answer.
            "LANGUAGE", "OTHER", "NO_IMAGE", "IMAGE_OTHER", "ESCALATION", "PUP_LIMITED_DISABLED",
        ),
        _CONTENT_FILTER,
    ),
}  # fmt: skip
_SOURCES: Final = {
    "citationMetadata": "citation_metadata",
    "groundingMetadata": "grounding_metadata",
    "urlContextMetadata": "url_context_metadata",
}
_PLAIN: Final = ("STOP", "MAX_TOKENS")


def finish_reason(native: object, *, called: bool) -> str:
    """OpenAI's reason. `called` tells whether the candidate called a tool, be it in an earlier event.

    What else there is, such as MALFORMED_FUNCTION_CALL, is an end of the model's own making: `stop`, or
    `tool_calls` where calls came all the same.
    """
    reason = _REASONS.get(native, "stop") if isinstance(native, str) else "stop"
    return "tool_calls" if called and reason == "stop" else reason


def told_beside(candidate: Json) -> Json:
    """The member that tells callers what no member of OpenAI's can: Gemini's own reason and message, where it is
    special, and the sources of what is said.

    Sources are as Gemini tells them: they count bytes of parts, which callers do not get as such, and in a stream may
    come with any event; OpenAI's annotations count characters of the whole.
    """
    told = {ours: candidate[name] for name, ours in _SOURCES.items() if isinstance(candidate.get(name), dict)}
    native = candidate.get("finishReason")
    if isinstance(native, str) and native not in _PLAIN:
        told["finish_reason"] = native
        if isinstance(message := candidate.get("finishMessage"), str):
            told["finish_message"] = message
    return {"extra_content": {"google": told}} if told else {}


def block_reason(feedback: Json) -> Json | None:
    """The member that tells why a prompt was blocked; None if it was not."""
    reason = feedback.get("blockReason")
    if not isinstance(reason, str) or reason.endswith("_UNSPECIFIED"):
        return None
    told: Json = {"block_reason": reason}
    if isinstance(message := feedback.get("blockReasonMessage"), str):
        told["block_reason_message"] = message
    return {"extra_content": {"google": told}}
