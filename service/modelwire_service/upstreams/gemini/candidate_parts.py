"""What a candidate says, part by part: text, thoughts, calls, images, speech, and what is signed."""

import binascii
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import pybase64

from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.answer_json import loads, malformed
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.signatures import extra_content

NewId = Callable[[], str]

_TYPES: Final = {"text": (str, "a text"), "functionCall": (dict, "an object"), "inlineData": (dict, "an object")}


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
    """Raises UpstreamProtocolError for content that is not Gemini's, and names what of it."""
    said = Said()
    content = candidate.get("content") or {}
    parts = content.get("parts") or [] if isinstance(content, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise UpstreamProtocolError("the upstream answered a candidate whose parts are no list of objects")
    for at, part in enumerate(parts):
        _check(part, at)
        _sort(part, said, new_id)
    return said


def _check(part: Json, at: int) -> None:
    for name, (wanted, called) in _TYPES.items():
        if name in part and part[name] is not None and type(part[name]) is not wanted:
            raise malformed(f"content.parts[{at}].{name}", called)


def _sort(part: Json, said: Said, new_id: NewId) -> None:
    if (call := part.get("functionCall")) is not None:
        said.calls.append(_call(call, part.get("thoughtSignature"), new_id))
        return
    if isinstance(signature := part.get("thoughtSignature"), str) and signature:
        said.signature = signature
    if text := part.get("text"):
        (said.thoughts if part.get("thought") is True else said.texts).append(text)
    if (blob := part.get("inlineData")) is not None and part.get("thought") is not True:
        _sort_blob(blob, said)


def _call(call: Json, signature: Any, new_id: NewId) -> Json:
    """A call as OpenAI's. Arguments are in the order Gemini wrote them; no arguments are an empty object."""
    given, name = call.get("id"), call.get("name")
    if not isinstance(name, str) or not name:
        raise malformed("functionCall.name", "a name")
    return {
        "id": given if isinstance(given, str) and given else new_id(),
        "type": "function",
        "function": {"name": name, "arguments": _arguments(call.get("args"))},
        **(extra_content(signature) if isinstance(signature, str) and signature else {}),
    }


def _arguments(args: Any) -> str:
    """The JSON text of the arguments, which may have come as one."""
    if isinstance(args, str) and isinstance(loads(args.encode() or b"{}"), dict):
        return args or "{}"
    if args is not None and not isinstance(args, dict):
        raise malformed("functionCall.args", "an object")
    return orjson.dumps(args or {}).decode()


def _sort_blob(blob: Json, said: Said) -> None:
    mime_type, data = blob.get("mimeType", ""), blob.get("data", "")
    if not isinstance(mime_type, str) or not isinstance(data, str):
        raise malformed("inlineData", "data of a type")
    if not mime_type.startswith("audio/"):
        said.images.append(f"data:{mime_type};base64,{data}")
        return
    try:
        said.samples += pybase64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise UpstreamProtocolError("the upstream answered audio that is not base64") from None
    said.samples_type = mime_type


def as_images(urls: list[str], first: int = 0) -> list[Json]:
    """Images as message and delta have them, numbered for the clients that put streams together."""
    return [{"index": first + at, "type": "image_url", "image_url": {"url": url}} for at, url in enumerate(urls)]
