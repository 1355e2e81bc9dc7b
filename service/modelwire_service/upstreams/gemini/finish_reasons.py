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
_PLAIN: Final = ("STOP", "MAX_TOKENS")


def finish_reason(native: object, *, called: bool) -> str:
    """OpenAI's reason. `called` tells whether the candidate called a tool, be it in an earlier event.

    What else there is, such as MALFORMED_FUNCTION_CALL, is an end of the model's own making: `stop`, or
    `tool_calls` where calls came all the same.
    """
    reason = _REASONS.get(native, "stop") if isinstance(native, str) else "stop"
    return "tool_calls" if called and reason == "stop" else reason


def native_reason(candidate: Json) -> Json:
    """The member that tells callers what OpenAI's five cannot: Gemini's own reason and message, where it is special."""
    native = candidate.get("finishReason")
    if not isinstance(native, str) or native in _PLAIN:
        return {}
    told: Json = {"finish_reason": native}
    if isinstance(message := candidate.get("finishMessage"), str):
        told["finish_message"] = message
    return {"extra_content": {"google": told}}


def block_reason(feedback: Json) -> Json | None:
    """The member that tells why a prompt was blocked; None if it was not."""
    reason = feedback.get("blockReason")
    if not isinstance(reason, str) or reason.endswith("_UNSPECIFIED"):
        return None
    told: Json = {"block_reason": reason}
    if isinstance(message := feedback.get("blockReasonMessage"), str):
        told["block_reason_message"] = message
    return {"extra_content": {"google": told}}
