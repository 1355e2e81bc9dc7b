"""Completions and chunks as OpenAI's clients read them, whatever an upstream left out.

This is the one place for what holds of every answer, whichever kind of upstream gave it: id, object, created, model,
index, role, reasons to finish, tool calls, usage. Values have their types already; what only one vendor does is that
adapter's to undo.
"""

import secrets
import time
from typing import Any

from modelwire_service.finish_reasons import FINISH_REASONS, STOP, finish_reason
from modelwire_service.tool_calls import CallDeltas, completed_calls
from modelwire_service.upstreams.answer_json import as_int, choice_index, malformed
from modelwire_service.upstreams.base import Batch, Json
from modelwire_service.upstreams.text_runs import TextRun


def completed(reply: Json, model: str) -> Json:
    """A plain reply with all that clients rely on: id, object, created, model, and each choice's index and message."""
    choices = [_completed_choice(choice, index) for index, choice in enumerate(reply.get("choices") or ())]
    said = {**reply, **_head(reply, model, "chat.completion"), "choices": choices}
    if not isinstance(said.get("usage"), dict):
        said.pop("usage", None)
    return said


class ChunkStream:
    """The chunks of one streamed reply, made uniform: one id, one time, usage only where it was asked for.

    Raises UpstreamProtocolError for a choice that ends and has called what nobody named.

    With `include_usage`, each chunk has `usage: null` and `closing` gives one more, without choices, that has
    the numbers. `usage` holds them in either case, once the upstream told them.
    """

    def __init__(self, model: str, *, include_usage: bool) -> None:
        self.usage: Json | None = None
        self._include_usage = include_usage
        self._head: Json = {}
        self._model = model
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._calls: dict[int, CallDeltas] = {}
        self._alike: tuple[Json, Json] | None = None  # a chunk of which there was a run, and what goes out for it

    def chunks(self, batch: Batch) -> list[Json | TextRun]:
        """The chunks that go out for a batch of the upstream's; none if none of them says anything."""
        said: list[Json | TextRun] = []
        for chunk in batch:
            if isinstance(chunk, TextRun):
                said.append(self._run(chunk))
            elif (choices := self._chunk(chunk)) is not None:
                said.append(choices)
        return said

    def closing(self) -> list[Json | TextRun]:
        """What closes a whole stream: reasons to finish that the upstream left out, and usage if asked for.

        Usage is null where the upstream told none.
        """
        unended = sorted(self._begun - self._ended)
        said = self.chunks([{"choices": [{"index": index, "finish_reason": STOP}]} for index in unended])
        if self._include_usage:
            said.append({**self._head_of({}), "choices": [], "usage": self.usage})
        return said

    def _run(self, run: TextRun) -> TextRun:
        if self._alike is None or self._alike[0] is not run.like:
            # Chunks like it have come, so that this one is not the first of its choice.
            self._alike = run.like, self._choices_of(run.like)
        return TextRun(self._alike[1], run.texts)

    def _chunk(self, chunk: Json) -> Json | None:
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage = usage
        return self._choices_of(chunk) if chunk.get("choices") else None

    def _choices_of(self, chunk: Json) -> Json:
        choices = chunk["choices"]
        said = {**chunk, **self._head_of(chunk), "choices": [self._choice(c, i) for i, c in enumerate(choices)]}
        said.pop("usage", None)
        if self._include_usage:
            said["usage"] = None
        return said

    def _head_of(self, chunk: Json) -> Json:
        if not self._head:
            self._head = _head(chunk, self._model, "chat.completion.chunk")
        return self._head

    def _choice(self, choice: Json, position: int) -> Json:
        index = choice_index(choice, position)
        delta = choice.get("delta") or {}
        if "tool_calls" in delta:
            delta = self._with_calls(delta, index)
        if index not in self._begun:
            self._begun.add(index)
            delta = {**delta, "role": "assistant"}
        elif "role" in delta:  # clients join the texts of all deltas: assistantassistant
            delta = {key: value for key, value in delta.items() if key != "role"}
        said = {**choice, "index": index, "delta": delta}
        if not choice.get("finish_reason"):
            said["finish_reason"] = None
            return said
        self._ended.add(index)
        if (called := index in self._calls) and self._calls[index].any_unnamed:
            raise malformed("a tool call", "named")
        return _end(said, called=called)

    def _with_calls(self, delta: Json, index: int) -> Json:
        if not (calls := delta["tool_calls"]):
            return {key: value for key, value in delta.items() if key != "tool_calls"}
        return {**delta, "tool_calls": self._calls.setdefault(index, CallDeltas()).numbered(calls)}


def _completed_choice(choice: Json, position: int) -> Json:
    message = choice.get("message") or {}
    said = {**message, "role": "assistant", "content": message.get("content")}
    if calls := message.get("tool_calls"):
        said["tool_calls"] = completed_calls(calls)
    else:  # some upstreams have null or an empty list for none
        said.pop("tool_calls", None)
    return _end({**choice, "index": choice_index(choice, position), "message": said}, called=bool(calls))


def _end(choice: Json, *, called: bool) -> Json:
    """Gives a choice its reason to finish, and beside it the upstream's own word where that is none of OpenAI's."""
    told = choice.get("finish_reason")
    if not told or not isinstance(told, str):
        told = STOP
    choice["finish_reason"] = finish_reason(told, called=called)
    if told not in FINISH_REASONS:
        choice["native_finish_reason"] = choice.get("native_finish_reason") or told
    return choice


def _head(told: Json, model: str, kind: str) -> Json:
    identity, said = told.get("id"), told.get("model")
    if type(identity) is int:
        identity = str(identity)
    return {
        "id": identity if identity and isinstance(identity, str) else _fresh_id(),
        "object": kind,
        "created": _seconds(told.get("created")),
        "model": said if said and isinstance(said, str) else model,
    }


def _fresh_id() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"


def _seconds(created: Any) -> int:
    told = as_int(created)
    return told if told > 0 else int(time.time())
