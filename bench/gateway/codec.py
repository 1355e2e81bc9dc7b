"""How fast the JSON codec is beside google.protobuf.json_format: `python -m bench.gateway.codec`.

Only the ratios of one run mean anything. Takes a few seconds.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from modelwire.v1beta import chat_pb2, embeddings_pb2
from modelwire_gateway.json_codec import MessageCodec, dump_json, parse_json

SECONDS_EACH = 0.15


def chat(turns: int, characters: int) -> dict[str, Any]:
    content = ("All work and no play\nmakes Jack a dull boy. " * (characters // 40 + 1))[:characters]
    roles = ("user", "assistant")
    return {
        "model": "models/gemini-2.5-flash",
        "messages": [{"role": roles[turn % 2], "content": content} for turn in range(turns)],
        "temperature": 0.7,
        "max_tokens": 100,
        "stream": True,
    }


def tools(count: int) -> dict[str, Any]:
    properties = {f"property{index}": {"type": "string", "description": "What it is."} for index in range(8)}
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    functions = [{"name": f"tool{index}", "parameters": parameters} for index in range(count)]
    return chat(2, 40) | {"tools": [{"type": "function", "function": function} for function in functions]}


def embeddings(count: int, dimensions: int) -> dict[str, Any]:
    vectors = [[random.uniform(-1, 1) for _ in range(dimensions)] for _ in range(count)]
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 5, "total_tokens": 5}}


CASES: dict[str, tuple[type[Message], dict[str, Any]]] = {
    "chat, 2 messages": (chat_pb2.ChatCompletionsRequest, chat(2, 40)),
    "chat, 8 kB": (chat_pb2.ChatCompletionsRequest, chat(8, 1000)),
    "chat, 40 messages": (chat_pb2.ChatCompletionsRequest, chat(40, 400)),
    "chat, 10 tools": (chat_pb2.ChatCompletionsRequest, tools(10)),
    "chat, 200 kB": (chat_pb2.ChatCompletionsRequest, chat(1, 200_000)),
    "1 embedding of 1536": (embeddings_pb2.GenerateEmbeddingsResponse, embeddings(1, 1536)),
    "16 of 1536": (embeddings_pb2.GenerateEmbeddingsResponse, embeddings(16, 1536)),
}


def microseconds(work: Callable[[], object]) -> float:
    """The best of many runs."""
    best, end = float("inf"), time.perf_counter() + SECONDS_EACH
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def row(name: str, message: type[Message], value: dict[str, Any]) -> str:
    codec = MessageCodec.of(cast(Descriptor, message.DESCRIPTOR))
    text = json.dumps(value).encode()
    wire = codec.encode(value)
    times = (
        microseconds(lambda: codec.encode(parse_json(text))),
        microseconds(lambda: json_format.Parse(text, message()).SerializeToString()),
        microseconds(lambda: dump_json(codec.decode(wire))),
        microseconds(lambda: json.dumps(json_format.MessageToDict(message.FromString(wire))).encode()),
        microseconds(lambda: codec.decode_proto_names(wire)),
    )
    read, read_reference, write, write_reference, serve = times
    return (
        f"{name:<20}{len(text):>9}{read:>11.1f}{read_reference:>12.1f}{read_reference / read:>7.1f}"
        f"{write:>12.1f}{write_reference:>12.1f}{write_reference / write:>7.1f}{serve:>13.1f}"
    )


def main() -> None:
    head = f"{'microseconds':<20}{'bytes':>9}{'to wire':>11}" + f"{'json_format':>12}{'ratio':>7}{'to JSON':>12}" * 2
    lines = [
        head.removesuffix(f"{'to JSON':>12}") + f"{'to service':>13}",
        *(row(name, *case) for name, case in CASES.items()),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
