"""The rule by which the chunks of modelwire.v1 make up a completion, as the comment of ChatCompletionChunk has it."""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import Message
from modelwire.v1 import chat_pb2, tools_pb2

_APPENDED: Final = {
    ("ChatMessageDelta", "text"),
    ("ChatMessageDelta", "refusal"),
    ("ChatMessageDelta", "reasoning_content"),
    ("FunctionCall", "arguments"),
    ("SpokenAudio", "data"),
    ("SpokenAudio", "transcript"),
}


def folded(chunks: Iterable[chat_pb2.ChatCompletionChunk]) -> chat_pb2.ChatCompletion:
    """The completion that the chunks of a stream make up."""
    completion = chat_pb2.ChatCompletion()
    for chunk in chunks:
        fold(completion, chunk)
    return completion


def fold(completion: chat_pb2.ChatCompletion, chunk: chat_pb2.ChatCompletionChunk) -> None:
    """Adds the next chunk of a stream to the completion that those before it made up, an empty one at first."""
    _fold(completion, chunk)
    completion.choices.sort(key=lambda choice: choice.index)


def _fold(into: Any, piece: Message) -> None:
    for field, value in piece.ListFields():
        name = "message" if field.name == "delta" else field.name
        if name in ("choices", "tool_calls"):
            for item in value:
                _fold(_element(getattr(into, name), item), item)
        elif field.is_repeated:
            entries = field.message_type is not None and field.message_type.GetOptions().map_entry
            (getattr(into, name).update if entries else getattr(into, name).extend)(value)
        elif field.message_type is not None:
            getattr(into, name).SetInParent()
            _fold(getattr(into, name), value)
        elif (type(piece).__name__, name) in _APPENDED:
            setattr(into, name, getattr(into, name) + value)
        elif not (name == "index" and isinstance(piece, tools_pb2.ToolCallDelta)):
            setattr(into, name, value)


def _element(items: Any, piece: Any) -> Any:
    """What a piece of a choice or of a call belongs to."""
    if isinstance(piece, tools_pb2.ToolCallDelta):
        return items[piece.index] if piece.index < len(items) else items.add()
    return next((item for item in items if item.index == piece.index), None) or items.add(index=piece.index)
