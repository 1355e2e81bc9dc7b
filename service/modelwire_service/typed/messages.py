"""Messages of a conversation, and the calls in them, as OpenAI's JSON."""

from typing import Any, Final

from modelwire_service.typed.content import image, parts
from modelwire_service.typed.fields import (
    EXTRA,
    Fields,
    each,
    extra,
    made,
    object_of,
    put_all,
    renamed,
    same,
    signature,
    word_of,
)
from modelwire_service.typed.json_texts import Texts
from modelwire_service.typed.words import ASSISTANT, ROLES
from modelwire_service.upstreams.base import Json
from modelwire_service.validation.report import Path

_MESSAGE: Final = frozenset({
    "role", "content", "name", "tool_calls", "tool_call_id", "refusal", "audio", "reasoning_content", "images",
    "annotations",
})  # fmt: skip


def message(given: Json, path: Path, texts: Texts) -> Json:
    """A ChatMessage. An assistant's without content says so, as OpenAI's answers do."""
    said: Json = {}
    if given.get("role") == ASSISTANT and "text" not in given and "parts" not in given:
        said["content"] = None
    return put_all(said, given, path, texts, _FIELDS)


def _audio(given: Json, path: Path, texts: Texts) -> Json:
    return {"id": given.get("id", "")}


def _images(given: list[Json], path: Path, texts: Texts) -> list[Json]:
    return [
        {"index": at, "type": "image_url", "image_url": image(item, (*path, at), texts)}
        for at, item in enumerate(given)
    ]


def _citation(given: Json, path: Path, texts: Texts) -> Json:
    told: dict[str, Any] = {"start_index": 0, "end_index": 0, "url": "", "title": ""}
    return {"type": "url_citation", "url_citation": told | given}


_call: Final[Fields] = {
    "id": same,
    "function": made(lambda given, path, texts: {"name": "", "arguments": ""} | given),
    "thought_signature": signature,
    EXTRA: extra(frozenset({"id", "type", "function"})),
}

_FIELDS: Final[Fields] = {
    "role": made(word_of(ROLES)),
    "text": renamed("content"),
    "parts": made(parts, "content"),
    "name": same,
    "tool_calls": made(each(object_of(_call, type="function"))),
    "tool_call_id": same,
    "refusal": same,
    "audio": made(_audio),
    "reasoning_content": same,
    "thought_signature": signature,
    "images": made(_images),
    "url_citations": made(each(_citation), "annotations"),
    EXTRA: extra(_MESSAGE),
}
