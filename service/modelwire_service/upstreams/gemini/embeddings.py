"""Texts into vectors, by batchEmbedContents.

One content a text: some models make one vector of several parts in a content. Calls take 100 texts at most; those
of a longer list go out a few at a time, and their vectors stand in the order of the texts.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, Final, TypeVar

import numpy as np

from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.answer_json import count_in, sum_of
from modelwire_service.upstreams.base import Embeddings, Json
from modelwire_service.upstreams.gemini.wire import Wire, model_path
from modelwire_service.upstreams.vectors import Vector, vector_of

MAX_TEXTS_A_CALL: Final = 100
MAX_CALLS_AT_ONCE: Final = 4

Result = TypeVar("Result")


async def embeddings(wire: Wire, request: Json) -> Embeddings:
    """One vector a text. Those of `dimensions` have length 1: not every model normalises what it cuts short.

    Tokens are counted as far as the model tells them.
    """
    texts, dimensions = request["input"], request.get("dimensions")
    model = model_path(request["model"])
    slots = asyncio.Semaphore(MAX_CALLS_AT_ONCE)

    async def embedded(batch: list[str]) -> tuple[list[Vector], int | None]:
        async with slots:
            answer, _ = await wire.call("POST", f"{model}:batchEmbedContents", _request(model, batch, dimensions))
        return _vectors(answer, len(batch), dimensions), _tokens(answer)

    done = await _all_or_none([embedded(batch) for batch in _batches(texts)])
    tokens = sum_of(count for _, count in done)
    vectors = [vector for batch, _ in done for vector in batch]
    return Embeddings(vectors, request["model"], prompt_tokens=tokens, total_tokens=tokens)


def _batches(texts: list[str]) -> Iterator[list[str]]:
    return (texts[start : start + MAX_TEXTS_A_CALL] for start in range(0, len(texts), MAX_TEXTS_A_CALL))


async def _all_or_none(calls: list[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results in order. The first error is raised when all other calls have been given up."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _request(model: str, texts: list[str], dimensions: int | None) -> Json:
    size = {} if dimensions is None else {"outputDimensionality": dimensions}
    return {"requests": [{"model": model, "content": {"parts": [{"text": text}]}, **size} for text in texts]}


def _vectors(answer: Json, count: int, dimensions: int | None) -> list[Vector]:
    listed = answer.get("embeddings")
    if not isinstance(listed, list) or len(listed) != count:
        got = len(listed) if isinstance(listed, list) else "no list of"
        raise UpstreamProtocolError(f"the upstream answered {got} embeddings for {count} texts")
    return [_vector(item, dimensions) for item in listed]


def _vector(item: Any, dimensions: int | None) -> Vector:
    vector = vector_of(item.get("values") if isinstance(item, dict) else None)
    if dimensions is None:
        return vector
    if vector.size != dimensions:
        raise UpstreamProtocolError(f"the upstream sent {vector.size} dimensions in the place of {dimensions}")
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _tokens(answer: Json) -> int | None:
    usage = answer.get("usageMetadata")
    return count_in(usage.get("promptTokenCount")) if isinstance(usage, dict) else None
