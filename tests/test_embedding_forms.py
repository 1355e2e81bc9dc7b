"""Vectors in the form a caller asks for, whichever form the upstream has; it is asked for the cheaper one."""

import base64
import struct
from typing import Any

import httpx
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
