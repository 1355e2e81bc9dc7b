"""Vectors in the form a caller asks for, whichever form the upstream has; it is asked for the cheaper one."""

import base64
import struct
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from aiohttp import web
from support.scripted_server import Answer
from support.scripted_upstream import ScriptedUpstream, answer_json
from support.stack import Stack

VECTORS = [[1.5, -2.0, 0.25], [0.0, 3.0, 1e-3]]


def packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def unpacked(embedding: Any, asked: str | None) -> list[float]:
    if asked != "base64":
        assert isinstance(embedding, list)
        return embedding
    assert isinstance(embedding, str)
    data = base64.b64decode(embedding, validate=True)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def listed(*embeddings: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": index, "embedding": value} for index, value in enumerate(embeddings)]
    return {"object": "list", "data": data, "model": "scripted", "usage": {"prompt_tokens": 2, "total_tokens": 2}}


FLOATS = listed(*VECTORS)
BASE64 = listed(*map(packed, VECTORS))


def floats_only() -> Answer:
    refusal = {"error": {"message": "encoding_format: only float is supported", "param": "encoding_format"}}

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        refused = body.get("encoding_format") == "base64"
        return await answer_json(refusal if refused else FLOATS, 400 if refused else 200)(request, body)

    return answer


RUN = [at / 7 + 0.01 for at in range(40)]
LISTS = {
    "fractions": [RUN, [-number for number in RUN]],
    "few numbers": [[0.5, -0.25], [1e-30, 3.0000002e7 + 0.5]],
    "some of them integral": [[*RUN, 5.0], [*RUN, 0.0]],
    "all of them integral": [[1.0, -0.0, 3.0] * 10, [-127.0, 128.0, 0.0] * 10],
    "large and small": [[3.4e38, 1e-45, -1.17e-38], [16777217.0, 0.1, 1e-7]],
    "of several lengths": [RUN, RUN[:20]],
}
"""Vectors that are written as they are, and such that need a closer look."""

UPSTREAMS: dict[str, tuple[Answer, list[str]]] = {
    "sends base64": (answer_json(BASE64), ["base64", "base64"]),
    "sends floats whatever it is asked": (answer_json(FLOATS), ["base64", "base64"]),
    "refuses base64": (floats_only(), ["base64", "float", "float"]),
}
"""What each answers, and the forms it is asked for in two calls."""


@pytest.mark.parametrize("asked", ["base64", "float", None])
@pytest.mark.parametrize("kind", UPSTREAMS)
async def test_each_form_from_each_upstream(
    stack: Stack, backend: str, upstream: ScriptedUpstream, kind: str, asked: str | None
) -> None:
    upstream.answer, forms = UPSTREAMS[kind]
    request: dict[str, Any] = {"model": "scripted", "input": ["a", "b"]}
    request |= {} if asked is None else {"encoding_format": asked}
    async with httpx.AsyncClient(timeout=30) as client:
        for _ in range(2):
            response = await client.post(stack.url(backend) + "/v1/embeddings", json=request)
            items = response.raise_for_status().json()["data"]
            assert [item["index"] for item in items] == [0, 1]
            for item, vector in zip(items, VECTORS, strict=True):
                assert unpacked(item["embedding"], asked) == pytest.approx(vector)
    assert [body["encoding_format"] for body in upstream.seen] == forms


@pytest.mark.parametrize("asked", ["base64", "float"])
@pytest.mark.parametrize("as_base64", [True, False])
@pytest.mark.parametrize("kind", LISTS)
async def test_the_same_bytes_whether_or_not_the_answer_was_on_the_wire(
    stack: Stack, upstream: ScriptedUpstream, kind: str, as_base64: bool, asked: str
) -> None:
    upstream.answer = answer_json(listed(*(map(packed, LISTS[kind]) if as_base64 else LISTS[kind])))
    request = {"model": "scripted", "input": ["a", "b"], "encoding_format": asked}
    async with httpx.AsyncClient(timeout=30) as client:
        answers = [
            (await client.post(stack.url(backend) + "/v1/embeddings", json=request)).raise_for_status().content
            for backend in ("local", "remote")
        ]
    assert answers[0] == answers[1]
    for item, vector in zip(orjson.loads(answers[0])["data"], LISTS[kind], strict=True):
        assert np.array_equal(np.array(unpacked(item["embedding"], asked), "<f4"), np.array(vector, "<f4"))


@pytest.mark.parametrize("tokens", [0, 7, None])
@pytest.mark.parametrize("as_base64", [True, False])
@pytest.mark.parametrize("kind", LISTS)
async def test_the_same_typed_answer_whether_or_not_it_was_on_the_wire(
    stack: Stack, upstream: ScriptedUpstream, kind: str, as_base64: bool, tokens: int | None
) -> None:
    answer = listed(*(map(packed, LISTS[kind]) if as_base64 else LISTS[kind]))
    upstream.answer = answer_json(answer | {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}})
    async with httpx.AsyncClient(timeout=30) as client:
        answers = [
            (
                await client.post(
                    stack.url(backend) + "/v1/modelwire/embeddings", json={"model": "scripted", "inputs": ["a", "b"]}
                )
            )
            .raise_for_status()
            .content
            for backend in ("local", "remote")
        ]
    assert orjson.loads(answers[0]) == orjson.loads(answers[1])
    assert answers[0].translate(None, b"-.e0123456789") == answers[1].translate(None, b"-.e0123456789")
