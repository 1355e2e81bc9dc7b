"""Every case. What the upstream answers is in bench/upstream/answers.py."""

import json
from typing import Any, Final

from modelwire.v1beta import chat_pb2

from bench.cases import checks
from bench.cases.case import GRPC, Case
from bench.load.dialogue import Expected
from bench.peers.grpc_echo import STREAMED
from bench.upstream import answers
from bench.upstream.answers import PROMPT_END

_CHAT: Final = "/v1/chat/completions"
_CHAT_RPC: Final = "/modelwire.v1beta.ChatService/ChatCompletions"
_EVENT: Final = f'"{answers.TOKEN}"'.encode()
_SHORT_PROMPT: Final = f"What does a gateway do? Tell me, {PROMPT_END}"
_LONG_PROMPT: Final = "It was the best of times, it was the worst of times. " * 3773 + PROMPT_END
"""200 kB."""


def _chat(model: str, prompt: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": prompt}]
    return {"model": model, "messages": messages, "temperature": 0.7, "max_tokens": 100, **more}


def _posted(value: Any) -> bytes:
    return json.dumps(value).encode()


def _message(value: dict[str, Any]) -> bytes:
    return chat_pb2.ChatCompletionsRequest(**value).SerializeToString()


def _plain(name: str, title: str, model: str, prompt: str) -> Case:
    whole = Expected(answers.REPLY_END.encode())
    return Case(name, title, _CHAT, _posted(_chat(model, prompt)), whole, checks.completion(answers.REPLY_END))


def _streamed(name: str, title: str, model: str, count: int, **more: Any) -> Case:
    body = _posted(_chat(model, _SHORT_PROMPT, stream=True))
    return Case(name, title, _CHAT, body, Expected(_EVENT, count), checks.stream(count), **more)


def _embeddings(name: str, title: str, encoding: str) -> Case:
    texts = [f"Text {number} of {answers.TEXTS}, {PROMPT_END}" for number in range(answers.TEXTS)]
    body = _posted({"model": answers.EMBED, "input": texts, "encoding_format": encoding})
    # Once as a name and once as the kind of object, for each.
    return Case(name, title, "/v1/embeddings", body, Expected(b'"embedding"', 2 * answers.TEXTS), checks.vectors)


SHORT: Final = _plain("short", "Short chat", answers.SHORT, _SHORT_PROMPT)
HELD: Final = _streamed("held", "stream that stays open", answers.HELD, answers.HELD_EVENTS)
EIGHT_KB: Final = _plain("8k", "chat, 8 kB answer", answers.EIGHT_KB, _SHORT_PROMPT)
"""Of recipes, not of the table."""

_SHORT_GRPC: Final = Case(
    "grpc",
    "gRPC, short chat",
    _CHAT_RPC,
    _message(_chat(answers.SHORT, _SHORT_PROMPT)),
    Expected(answers.REPLY_END.encode()),
    checks.completion(answers.REPLY_END),
    door=GRPC,
    base="short",
)
_STREAM_GRPC: Final = Case(
    "grpc_stream",
    "gRPC, 100 events",
    _CHAT_RPC,
    _message(_chat(answers.STREAM, _SHORT_PROMPT, stream=True)),
    Expected(_EVENT, answers.STREAM_EVENTS),
    checks.stream(answers.STREAM_EVENTS),
    door=GRPC,
    base="stream",
    metadata=dict([STREAMED]),
)

CASES: Final[dict[str, Case]] = {
    case.name: case
    for case in (
        SHORT,
        _plain("prompt", "200 kB prompt", answers.PROMPT, _LONG_PROMPT),
        _streamed("stream", "Stream of 100 events", answers.STREAM, answers.STREAM_EVENTS),
        _streamed(
            "paced", "64 events, 20 ms apart", answers.PACED, answers.PACED_EVENTS, least_seconds=5.0, timed=True
        ),
        _embeddings("embed", "Embeddings 16 × 1,536, float", "float"),
        _embeddings("embed64", "Embeddings 16 × 1,536, base64", "base64"),
        Case("models", "Models", "/v1/models", b"", Expected(answers.SHORT.encode()), checks.models),
        _SHORT_GRPC,
        _STREAM_GRPC,
    )
}
