"""What the mock upstream answers, made once: whole HTTP answers, heads included, by model."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

SHORT: Final = "bench-short"
PROMPT: Final = "bench-prompt"
EIGHT_KB: Final = "bench-8k"
STREAM: Final = "bench-stream"
PACED: Final = "bench-paced"
HELD: Final = "bench-held"
EMBED: Final = "bench-embed"
MODELS: Final = (SHORT, PROMPT, EIGHT_KB, STREAM, PACED, HELD, EMBED)
"""The model says which answer is meant."""

STREAM_EVENTS: Final = 100
PACED_EVENTS: Final = 64
PACED_GAP: Final = 0.020
"""Seconds between the events of the paced stream."""
HELD_EVENTS: Final = 3
"""What the held stream sends before it stays open until the caller leaves."""

TEXTS: Final = 16
DIMENSIONS: Final = 1536
REPLY_END: Final = "that is all there is to say."
PROMPT_END: Final = "and here the prompt ends."
"""The last words of an answer and of every prompt, by which either is known to be whole."""
TOKEN: Final = " tick"
"""The text of each event."""

_CREATED: Final = 1_700_000_000
_USAGE: Final = {"prompt_tokens": 20, "completion_tokens": 40, "total_tokens": 60}
_LAST_CHUNK: Final = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class EventStream:
    """A stream's head, and each of its events as a chunk of HTTP. `tail` ends it; `gap` seconds lie between events.

    Without a gap it goes out in one piece. `held`: it never ends.
    """

    head: bytes
    events: tuple[bytes, ...]
    tail: bytes
    gap: float = 0.0
    held: bool = False

    def whole(self) -> bytes:
        return self.head + b"".join(self.events) + self.tail


def plain(value: Any, status: str = "200 OK") -> bytes:
    body = orjson.dumps(value)
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def refusal(message: str, status: str = "400 Bad Request") -> bytes:
    """An error as OpenAI words it."""
    return plain({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}, status)


def completion(model: str, content: str) -> bytes:
    message = {"role": "assistant", "content": content, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "chatcmpl-bench", "object": "chat.completion", "created": _CREATED, "model": model}
    return plain(head | {"choices": [choice], "usage": _USAGE})


def completions() -> Mapping[str, bytes]:
    short = f"A gateway passes on what it is told, whole and in order; {REPLY_END}"
    long = ("Long answers are made of many short sentences such as this one. " * 130)[:7900] + REPLY_END
    return {SHORT: completion(SHORT, short), PROMPT: completion(PROMPT, short), EIGHT_KB: completion(EIGHT_KB, long)}


def streams(with_usage: bool) -> Mapping[str, EventStream]:
    """The streams, with a last event that tells the usage where the caller asked for it."""
    return {
        STREAM: _stream(STREAM, STREAM_EVENTS, with_usage),
        PACED: _stream(PACED, PACED_EVENTS, with_usage, gap=PACED_GAP),
        HELD: _stream(HELD, HELD_EVENTS, with_usage, held=True),
    }


def _stream(model: str, count: int, with_usage: bool, gap: float = 0.0, held: bool = False) -> EventStream:
    deltas: list[dict[str, Any]] = [{"content": TOKEN} for _ in range(count)]
    deltas[0] = {"role": "assistant"} | deltas[0]
    ends: list[dict[str, Any]] = [_chunk(model, [{"index": 0, "delta": {}, "finish_reason": "stop"}])]
    if with_usage:
        ends.append(_chunk(model, []) | {"usage": _USAGE})
    events = [_chunk(model, [{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
    tail = b"".join(_event(orjson.dumps(end)) for end in ends) + _event(b"[DONE]") + _LAST_CHUNK
    return EventStream(head, tuple(_event(orjson.dumps(event)) for event in events), tail, gap, held)


def _chunk(model: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": _CREATED, "model": model}
    return head | {"choices": choices}


def _event(data: bytes) -> bytes:
    event = b"data: " + data + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(event), event)


def vectors() -> Any:
    """A row of numbers for each text, in single precision, as embeddings are made."""
    return np.random.default_rng(7).uniform(-0.1, 0.1, (TEXTS, DIMENSIONS)).astype("<f4")


def embeddings(as_base64: bool) -> bytes:
    """Vectors as an upstream has them; as text a number takes about ten digits."""
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(vector.tobytes()).decode() if as_base64 else vector.tolist(),
        }
        for index, vector in enumerate(vectors())
    ]
    usage = {"prompt_tokens": 160, "total_tokens": 160}
    return plain({"object": "list", "data": data, "model": EMBED, "usage": usage})


def models() -> bytes:
    listed = [{"id": model, "object": "model", "created": _CREATED, "owned_by": "bench"} for model in MODELS]
    return plain({"object": "list", "data": listed})
