"""Completions and chunks, as `completions.py` leaves them, in messages of modelwire.v1.

They are built of the generated classes: written from dicts, as requests are read, a chunk costs four times as much.
Members that no field declares are kept as JSON text, and so is one whose value its field could not hold.
"""

from typing import Any, Final

from modelwire.v1 import chat_pb2, tools_pb2

from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.typed.figures import put_extra, put_logprobs, put_time, put_usage
from modelwire_service.typed.rare_members import put_rare, put_signature
from modelwire_service.upstreams.base import Json

_REASONS: Final = {
    "stop": chat_pb2.FINISH_REASON_STOP,
    "length": chat_pb2.FINISH_REASON_LENGTH,
    "tool_calls": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "content_filter": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    "function_call": chat_pb2.FINISH_REASON_FUNCTION_CALL,
}
_ANSWER: Final = frozenset({
    "id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier",
})  # fmt: skip
_CHOICE: Final = frozenset({"index", "message", "delta", "finish_reason", "logprobs", "native_finish_reason"})
_SAID: Final = frozenset({"role", "content", "tool_calls", "refusal", "reasoning_content"})
_CALL: Final = frozenset({"index", "id", "type", "function"})

_Answer = chat_pb2.ChatCompletion | chat_pb2.ChatCompletionChunk


def completion_wire(completion: Json) -> bytes:
    """A ChatCompletion in wire form. Raises UpstreamProtocolError for values that no field holds."""
    message = chat_pb2.ChatCompletion()
    try:
        _put_head(message, completion)
        _put_beside(message, completion)
        for choice in completion["choices"]:
            into = message.choices.add()
            _put_said(into.message, choice["message"])
            _put_choice(into, choice)
    except (TypeError, ValueError):
        raise _malformed() from None
    return message.SerializeToString()


def head_wire(chunk: Json) -> bytes:
    """What all ChatCompletionChunks of an answer have alike (`id`, `create_time`, `model`), in wire form."""
    message = chat_pb2.ChatCompletionChunk()
    _put_head(message, chunk)
    return message.SerializeToString()


def chunk_wire(chunk: Json) -> bytes:
    """A ChatCompletionChunk, but for its head, in wire form. Raises UpstreamProtocolError likewise."""
    message = chat_pb2.ChatCompletionChunk()
    try:
        _put_beside(message, chunk)
        for choice in chunk["choices"]:
            into = message.choices.add()
            _put_said(into.delta, choice["delta"])
            _put_choice(into, choice)
    except (TypeError, ValueError):
        raise _malformed() from None
    return message.SerializeToString()


def _malformed() -> UpstreamProtocolError:
    return UpstreamProtocolError("the upstream's answer is malformed: it holds a value of another type than OpenAI's")


def _put_head(into: _Answer, told: Json) -> None:
    into.id = told["id"]
    into.model = told["model"]
    put_time(into.create_time, told["created"])


def _put_beside(into: _Answer, told: Json) -> None:
    if (usage := told.get("usage")) is not None:
        put_usage(into.usage, usage)
    if (fingerprint := told.get("system_fingerprint")) is not None:
        into.system_fingerprint = fingerprint
    if (tier := told.get("service_tier")) is not None:
        into.service_tier = tier
    if not told.keys() <= _ANSWER:
        put_extra(into, told, _ANSWER)


def _put_choice(into: chat_pb2.ChatChoice | chat_pb2.ChatChoiceDelta, told: Json) -> None:
    into.index = told["index"]
    if reason := told.get("finish_reason"):
        into.finish_reason = _REASONS[reason]
    if logprobs := told.get("logprobs"):
        put_logprobs(into.logprobs, logprobs)
    if (native := told.get("native_finish_reason")) is not None:
        into.native_finish_reason = native
    if not told.keys() <= _CHOICE:
        put_extra(into, told, _CHOICE)


def _put_said(into: chat_pb2.ChatMessage | chat_pb2.ChatMessageDelta, told: Json) -> None:
    into.SetInParent()
    if "role" in told:
        into.role = chat_pb2.ROLE_ASSISTANT
    if (text := told.get("content")) is not None:
        into.text = text
    if (refusal := told.get("refusal")) is not None:
        into.refusal = refusal
    if (thoughts := told.get("reasoning_content")) is not None:
        into.reasoning_content = thoughts
    for call in told.get("tool_calls") or ():
        added = into.tool_calls.add()
        if isinstance(added, tools_pb2.ToolCallDelta):
            added.index = call["index"]
        _put_call(added, call)
    if not told.keys() <= _SAID:
        put_rare(into, {name: value for name, value in told.items() if name not in _SAID})


def _put_call(into: tools_pb2.ToolCall | tools_pb2.ToolCallDelta, told: Json) -> None:
    if (identity := told.get("id")) is not None:
        into.id = identity
    rest: dict[str, Any] = {name: value for name, value in told.items() if name not in _CALL}
    if isinstance(function := told.get("function"), dict):
        into.function.SetInParent()
        if name := function.get("name"):
            into.function.name = name
        if arguments := function.get("arguments"):
            into.function.arguments = arguments
    elif told.get("type") not in (None, "function"):
        rest["type"] = told["type"]
    if rest:
        put_signature(into, rest)
        put_extra(into, rest, ())
