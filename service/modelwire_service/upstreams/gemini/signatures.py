"""Thought signatures: what Gemini signs and wants back, carried as Google's own OpenAI endpoint carries it."""

from typing import Any, Final

from modelwire_service.upstreams.base import Json

UNSIGNED: Final = "skip_thought_signature_validator"
"""Google's word for calls that no Gemini model made, sent as it is written here: it is base64 already."""


def signature_of(carrier: Json) -> str | None:
    """The signature in `extra_content.google.thought_signature` of a call, a message, a delta or a part."""
    found: Any = carrier
    for name in ("extra_content", "google", "thought_signature"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) and found else None


def signed(part: Json, carrier: Json) -> Json:
    """The part, with the signature its carrier has."""
    signature = signature_of(carrier)
    return part if signature is None else part | {"thoughtSignature": signature}


def extra_content(signature: str) -> Json:
    """The member that carries a signature to callers."""
    return {"extra_content": {"google": {"thought_signature": signature}}}
