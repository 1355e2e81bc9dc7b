"""Whether an answer is right, read as a client reads it."""

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from bench.load.http1 import body_of
from bench.upstream import answers

Check = Callable[[bytes], str]


def completion(ends_with: str) -> Check:
    return partial(_completion, ends_with)


def _completion(ends_with: str, body: bytes) -> str:
    answer = json.loads(body)
    content, usage = answer["choices"][0]["message"]["content"], answer["usage"]["total_tokens"]
    right = content.endswith(ends_with) and usage == 60
    return "" if right else f"the answer says {content[-80:]!r}, the usage is {usage}"


def stream(count: int) -> Check:
    return partial(_stream, count)


def _stream(count: int, body: bytes) -> str:
    *events, done = _events(body)
    chunks = [json.loads(event) for event in events]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    right = done == b"[DONE]" and text == answers.TOKEN * count
    return "" if right else f"{text.count(answers.TOKEN)} of {count} events, and then {done[:80]!r}"


def _events(body: bytes) -> Iterator[bytes]:
    for line in body.replace(b"\r\n", b"\n").split(b"\n"):
        if line.startswith(b"data:"):
            yield line.removeprefix(b"data:").strip()


def vectors(body: bytes) -> str:
    """That all numbers are there, to single precision, whichever way they are written."""
    sent = json.loads(body_of(answers.embeddings(as_base64=False)))["data"]
    got = json.loads(body)["data"]
    same = len(got) == len(sent) and all(
        np.allclose(_numbers(ours["embedding"]), theirs["embedding"], rtol=1e-6)
        for ours, theirs in zip(got, sent, strict=True)
    )
    return "" if same else "the vectors are not those that the upstream sent"


def _numbers(embedding: Any) -> Any:
    return np.frombuffer(base64.b64decode(embedding), "<f4") if isinstance(embedding, str) else np.array(embedding)


def models(body: bytes) -> str:
    listed = {model["id"] for model in json.loads(body)["data"]}
    missing = set(answers.MODELS) - listed
    return f"{sorted(missing)} are not listed" if missing else ""
