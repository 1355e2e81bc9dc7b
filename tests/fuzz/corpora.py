"""Where a campaign starts from: requests that are all in order, made at random from what a service declares."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode

from fuzz.requests import Header, Request
from fuzz.values import TEXTS, any_json, field_json, field_text, message_json
from google.protobuf.descriptor import Descriptor

SECRET: Final = "canary-4f1c"
"""The credential that requests carry; no answer may show it."""

Corpus = Callable[[Random], Request]


@dataclass(frozen=True, slots=True)
class Shape:
    """One route. In `path`, `{field}` stands for a value of that field of `message`, `{}` for any segment."""

    method: str
    path: str
    message: Descriptor
    body: str | None = None
    """The field that the body is, `*` for the message, `[]` for a stream of them, `raw` for bytes, None for none."""


_HEADERS: Final[Sequence[Header]] = (
    (b"authorization", b"Bearer " + SECRET.encode()),
    (b"x-goog-api-key", SECRET.encode()),
    (b"x-request-id", b"abc-1"),
    (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    (b"grpc-metadata-x-echo", b"some text"),
    (b"grpc-metadata-x-echo-bin", b"AAEC/w=="),
    (b"grpc-timeout", b"5S"),
    (b"accept", b"text/event-stream"),
    (b"accept", b"application/x-ndjson;q=0.9, */*;q=0.1"),
    (b"accept-encoding", b"gzip, zstd;q=0.5"),
    (b"te", b"trailers"),
    (b"origin", b"https://example.com"),
    (b"access-control-request-method", b"PUT"),
    (b"user-agent", b"fuzz"),
)
_RAW_TYPES: Final = ("text/plain", "application/json", "application/octet-stream", "text/event-stream")


def corpus_of(shapes: Sequence[Shape]) -> Corpus:
    """Requests to these routes, each as likely as the others."""
    return lambda random: _request(random.choice(shapes), random)


def _request(shape: Shape, random: Random) -> Request:
    content_type, body = _body(shape, random)
    headers = random.sample(_HEADERS, random.choice((0, 0, 1, 3)))
    if content_type:
        headers.append((b"content-type", content_type.encode()))
    target = _path(shape, random) + _query(shape, random)
    return Request(shape.method.encode(), target.encode(), tuple(headers), body, chunked=bool(body) and _rarely(random))


def _path(shape: Shape, random: Random) -> str:
    pieces = shape.path.replace("}", "{").split("{")
    pieces[1::2] = (quote(_segment(shape.message, name, random), safe="") for name in pieces[1::2])
    return "".join(pieces)


def _segment(message: Descriptor, name: str, random: Random) -> str:
    if name not in message.fields_by_name:
        return random.choice(TEXTS[1:])
    return field_text(message.fields_by_name[name], random) or "0"


def _query(shape: Shape, random: Random) -> str:
    system = random.choice(({}, {}, {"alt": "sse"}, {"$prettyPrint": "true"}, {"key": SECRET}))
    if shape.body in ("*", "[]"):
        return f"?{urlencode(system)}" if system else ""
    fields = [field for field in shape.message.fields if field.message_type is None and not field.is_repeated]
    chosen = random.sample(fields, min(len(fields), random.choice((0, 1, 4))))
    pairs = [(field.json_name, field_text(field, random)) for field in chosen]
    return f"?{urlencode([*pairs, *system.items()])}" if pairs or system else ""


def _body(shape: Shape, random: Random) -> tuple[str, bytes]:
    match shape.body:
        case None:
            return "", b""
        case "raw":
            return random.choice(_RAW_TYPES), random.randbytes(random.choice((0, 10, 5000)))
        case "[]":
            return _stream(shape.message, random)
        case "*":
            return "application/json", _json(message_json(shape.message, random))
    return "application/json", _json(field_json(shape.message.fields_by_name[shape.body], random))


def _stream(message: Descriptor, random: Random) -> tuple[str, bytes]:
    values = [message_json(message, random) for _ in range(random.choice((0, 1, 3, 20)))]
    if _rarely(random):
        return "application/x-ndjson", b"".join(_json(value) + b"\n" for value in values)
    return "application/json", _json(values)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _rarely(random: Random) -> bool:
    return random.random() < 0.3


def everything(message: Descriptor, raw: Descriptor) -> Corpus:
    """Requests to the service of everything.proto, whose messages are `message` and `raw`, google.api.HttpBody."""
    return corpus_of(
        [
            Shape("GET", "/v1/every/{name}", message),
            Shape("HEAD", "/v1/every/{name}", message),
            Shape("OPTIONS", "/v1/every/{name}", message),
            Shape("POST", "/v1/every", message, "*"),
            Shape("POST", "/v1/every", message, "*"),
            Shape("PUT", "/v1/things/{}/parts/{}/{}", message, "child"),
            Shape("PATCH", "/v1/every/{big}:touch", message, "struct"),
            Shape("POST", "/v1/values/{count}:keep", message, "value"),
            Shape("POST", "/v1/children", message, "children"),
            Shape("POST", "/v1/labels", message, "labels"),
            Shape("DELETE", "/v1/colors/{color}/{flag}/{blob}", message),
            Shape("GET", "/v1/at/{at}/{lasts}/{boxed_big}", message),
            Shape("GET", "/v1/deep/a/{}/b/{maybe}", message),
            Shape("REPORT", "/v1/whatever/{}/{}", message),
            Shape("GET", "/v1/repeat/{count}", message),
            Shape("POST", "/v1/repeat", message, "*"),
            Shape("POST", "/v1/repeat/values", message, "*"),
            Shape("GET", "/v1/fail/{count}", message),
            Shape("POST", "/v1/fail", message, "*"),
            Shape("POST", "/late/fail", message, "*"),
            Shape("GET", "/v1/wait", message),
            Shape("POST", "/raw/body", raw, "raw"),
            Shape("POST", "/raw/field/{name}", message, "raw"),
            Shape("POST", "/raw/json", message, "*"),
            Shape("GET", "/raw/query", message),
            Shape("POST", "/raw/repeat", message, "*"),
            Shape("POST", "/v1/collect", message, "[]"),
            Shape("POST", "/late/converse", message, "[]"),
            Shape("POST", "/raw/upload", raw, "raw"),
        ]
    )


def contract(chat: Descriptor, embeddings: Descriptor, models: Descriptor) -> Corpus:
    """Requests to `modelwire serve`: whatever the three request messages can say, and chats that are in order."""
    shapes = [
        Shape("POST", "/v1/chat/completions", chat, "*"),
        Shape("POST", "/v1beta:chatCompletions", chat, "*"),
        Shape("POST", "/v1/embeddings", embeddings, "*"),
        Shape("GET", "/v1/models", models),
        Shape("GET", "/v1beta/openai/models/{model}", models),
    ]
    return lambda random: _chat(random) if random.random() < 0.5 else _request(random.choice(shapes), random)


def _chat(random: Random) -> Request:
    texts = [random.choice(TEXTS[1:]) for _ in range(random.choice((1, 2, 8)))]
    parameters = {"type": "object", "properties": {random.choice(TEXTS): any_json(random)}}
    value: dict[str, Any] = {
        "model": "scripted",
        "messages": [{"role": random.choice(("user", "assistant", "system")), "content": text} for text in texts],
        "stream": _rarely(random),
        "temperature": random.choice((0, 1, 0.7)),
        "max_tokens": random.choice((1, 100)),
    }
    if _rarely(random):
        value["tools"] = [{"type": "function", "function": {"name": "f", "parameters": parameters}}]
    return Request(b"POST", b"/v1/chat/completions", ((b"content-type", b"application/json"),), _json(value))
