"""Replies of the embedded chat model as OpenAI's API has them: several made one, without llama.cpp's own members."""

from collections.abc import Iterable, Iterator
from typing import Any

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.embedded.forced_tool_call import ForcedToolCall, ToolCallStream, with_tool_call

_OF_REPLY = ("id", "object", "created", "model", "system_fingerprint")
_OF_CHOICE = ("index", "message", "delta", "finish_reason", "logprobs")
_OF_TOKEN = ("token", "logprob", "bytes", "top_logprobs")


def merged(replies: list[Json], forced: ForcedToolCall | None) -> Json:
    """The one reply that several of one choice each make up, in order."""
    choices = [_choice(reply["choices"][0], index) for index, reply in enumerate(replies)]
    if forced is not None:
        choices = [with_tool_call(choice, forced) for choice in choices]
    return _only(replies[0], _OF_REPLY) | {"choices": choices, "usage": summed(reply["usage"] for reply in replies)}


def summed(usages: Iterable[Json]) -> Json:
    """The usage of several replies to one prompt, which counts once; the rest adds up."""
    first, *others = usages
    completion = first["completion_tokens"] + sum(other["completion_tokens"] for other in others)
    return first | {"completion_tokens": completion, "total_tokens": first["prompt_tokens"] + completion}


class ReplyStream:
    """Makes one stream of those of several replies, one after the other."""

    def __init__(self, forced: ForcedToolCall | None) -> None:
        self._forced = forced
        self._head: Json | None = None
        self._index = -1
        self._calls: ToolCallStream | None = None
        self._usages: list[Json] = []

    def next_choice(self) -> None:
        """Begins the next reply."""
        self._index += 1
        self._calls = ToolCallStream(self._forced) if self._forced is not None else None

    def chunks(self, batch: Iterable[Json]) -> list[Json]:
        """The chunks to stream for those of the reply at hand. Its usage is kept for the end."""
        return [chunk for given in batch for chunk in self._chunks(given)]

    def last_chunk(self) -> Json:
        """The chunk with the usage of all replies."""
        return (self._head or {}) | {"choices": [], "usage": summed(self._usages)}

    def _chunks(self, given: Json) -> Iterator[Json]:
        if self._head is None:
            self._head = _only(given, _OF_REPLY)
        if given.get("usage"):
            self._usages.append(given["usage"])
        for choice in given["choices"]:
            cleaned = _choice(choice, self._index)
            for shown in self._calls.choices(cleaned) if self._calls is not None else (cleaned,):
                yield self._head | {"choices": [shown]}


def _choice(choice: Json, index: int) -> Json:
    cleaned = _only(choice, _OF_CHOICE) | {"index": index}
    if cleaned.get("logprobs"):
        cleaned["logprobs"] = {"content": [_token(token) for token in cleaned["logprobs"].get("content") or []]}
    return cleaned


def _token(token: Json) -> Json:
    cleaned = _only(token, _OF_TOKEN)
    if "top_logprobs" in cleaned:
        cleaned["top_logprobs"] = [_only(other, _OF_TOKEN) for other in cleaned["top_logprobs"]]
    return cleaned


def _only(given: Json, members: tuple[str, ...]) -> dict[str, Any]:
    return {key: given[key] for key in members if key in given}
