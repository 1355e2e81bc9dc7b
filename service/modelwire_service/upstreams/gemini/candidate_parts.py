"""What a candidate says, part by part: text, thoughts, calls, images, speech, and what is signed."""

import base64
import binascii
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.signatures import extra_content

NewId = Callable[[], str]


def call_id() -> str:
    """An id for a call that Gemini gave none."""
    return f"call_{secrets.token_hex(12)}"


@dataclass(slots=True)
class Said:
    """The parts of one candidate, or of one event of it, sorted by what they are."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[Json] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    samples: bytearray = field(default_factory=bytearray)
    samples_type: str = ""
    signature: str | None = None

    @property
    def anything(self) -> bool:
        """Whether there was any part that counts."""
        return any((self.texts, self.thoughts, self.calls, self.images, self.samples, self.signature))

    @property
    def text(self) -> str | None:
        """The text, without anything between its parts; None if there is none."""
        return "".join(self.texts) or None

    def told(self) -> Json:
        """The members a message and a delta have alike; those of which there is something."""
        members: Json = {}
        if self.thoughts:
            members["reasoning_content"] = "".join(self.thoughts)
        if self.signature is not None:
            members |= extra_content(self.signature)
        return members


def said_by(candidate: Json, new_id: NewId) -> Said:
    """Raises UpstreamProtocolError for content that is not Gemini's."""
    said = Said()
    content = candidate.get("content") or {}
    parts = content.get("parts") or [] if isinstance(content, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise UpstreamProtocolError("the upstream answered a candidate whose parts are no list of objects")
    for part in parts:
        _sort(part, said, new_id)
    return said


def _sort(part: Json, said: Said, new_id: NewId) -> None:
    if isinstance(call := part.get("functionCall"), dict):
        said.calls.append(_call(call, part.get("thoughtSignature"), new_id))
        return
    if isinstance(signature := part.get("thoughtSignature"), str) and signature:
        said.signature = signature
    if isinstance(text := part.get("text"), str) and text:
        (said.thoughts if part.get("thought") is True else said.texts).append(text)
    if isinstance(blob := part.get("inlineData"), dict) and part.get("thought") is not True:
        _sort_blob(blob, said)


def _call(call: Json, signature: Any, new_id: NewId) -> Json:
    """A call as OpenAI's. Arguments are in the order Gemini wrote them; no arguments are an empty object."""
    arguments = orjson.dumps(call.get("args") or {}).decode()
    given = call.get("id")
    return {
        "id": given if isinstance(given, str) and given else new_id(),
        "type": "function",
        "function": {"name": str(call.get("name") or ""), "arguments": arguments},
        **(extra_content(signature) if isinstance(signature, str) and signature else {}),
    }


def _sort_blob(blob: Json, said: Said) -> None:
    mime_type, data = str(blob.get("mimeType", "")), str(blob.get("data", ""))
    if not mime_type.startswith("audio/"):
        said.images.append(f"data:{mime_type};base64,{data}")
        return
    try:
        said.samples += base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise UpstreamProtocolError("the upstream answered audio that is not base64") from None
    said.samples_type = mime_type


def as_images(urls: list[str], first: int = 0) -> list[Json]:
    """Images as message and delta have them, numbered for the clients that put streams together."""
    return [{"index": first + at, "type": "image_url", "image_url": {"url": url}} for at, url in enumerate(urls)]
