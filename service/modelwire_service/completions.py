"""Completions and chunks as OpenAI's clients read them, whatever an upstream left out."""

import secrets
import time
from typing import Any

import orjson

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai_json import as_int, choice_index

DONE = b"data: [DONE]\n\n"


def completed(reply: Json, model: str) -> Json:
    """A plain reply with all that clients rely on: id, object, created, model, and each choice's index and message."""
    choices = [_completed_choice(choice, index) for index, choice in enumerate(reply.get("choices") or ())]
    return {
        **reply,
        "id": reply.get("id") or _fresh_id(),
        "object": "chat.completion",
        "created": _seconds(reply.get("created")),
        "model": reply.get("model") or model,
        "choices": choices,
    }


class ChunkStream:
    """The chunks of one streamed reply, made uniform: one id, one time, usage only where it was asked for.

    With `include_usage`, each chunk has `usage: null` and `end` gives one more, without choices, that has
    the numbers. `usage` holds them in either case, once the upstream told them.
    """

    def __init__(self, model: str, *, include_usage: bool) -> None:
        self.usage: Json | None = None
        self._include_usage = include_usage
        self._head: Json = {}
        self._model = model
        self._begun: set[int] = set()

    def events(self, batch: list[Json]) -> bytes:
        """The server-sent events of a batch of the upstream's chunks; empty if none of them says anything."""
        return b"".join([self._event(chunk) for chunk in batch])

    def end(self) -> bytes:
        """What closes the stream: the usage chunk if asked for, null where the upstream told none, and `[DONE]`."""
        if not self._include_usage:
            return DONE
        last = {**self._head_of({}), "choices": [], "usage": self.usage}
        return b"data: " + orjson.dumps(last) + b"\n\n" + DONE

    def _event(self, chunk: Json) -> bytes:
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage = usage
        choices = chunk.get("choices")
        if not choices:
            return b""
        said = {**chunk, **self._head_of(chunk), "choices": [self._choice(c, i) for i, c in enumerate(choices)]}
        said.pop("usage", None)
        if self._include_usage:
            said["usage"] = None
        return b"data: " + orjson.dumps(said) + b"\n\n"

    def _head_of(self, chunk: Json) -> Json:
        if not self._head:
            self._head = {
                "id": chunk.get("id") or _fresh_id(),
                "object": "chat.completion.chunk",
                "created": _seconds(chunk.get("created")),
                "model": chunk.get("model") or self._model,
            }
        return self._head

    def _choice(self, choice: Json, position: int) -> Json:
        index = choice_index(choice, position)
        delta = choice.get("delta") or {}
        if index not in self._begun:
            self._begun.add(index)
            delta = {**delta, "role": delta.get("role") or "assistant"}
        return {**choice, "index": index, "delta": delta, "finish_reason": choice.get("finish_reason")}


def _completed_choice(choice: Json, position: int) -> Json:
    message = choice.get("message") or {}
    return {
        **choice,
        "index": choice_index(choice, position),
        "message": {**message, "role": message.get("role") or "assistant", "content": message.get("content")},
        "finish_reason": choice.get("finish_reason") or ("tool_calls" if message.get("tool_calls") else "stop"),
    }


def _fresh_id() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"


def _seconds(created: Any) -> int:
    return max(as_int(created), 0) or int(time.time())
