"""Vectors of an OpenAI-compatible server: in order, in whichever form they come."""

import base64
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from modelwire_service.errors import UpstreamProtocolError, UpstreamRefused
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai.profiles import GEMINI
from support.openai_upstream import (
    always,
    upstream_of,
)

EMBED: Json = {"model": "e", "input": ["a", "b", "c"]}
ODD_INDEXES: list[Any] = ["x", True, 1.5, [], "-1"]
MOST = (1 << 31) - 1
VECTORS = [[1.5, -2.0], [0.25, 3.0], [0.0, 1.0]]


def packed(vector: list[float]) -> str:
    return base64.b64encode(np.array(vector, dtype="<f4").tobytes()).decode()


def embeddings(*indexes: int | None, encoded: bool = False, **members: Any) -> Json:
    data = []
    for position, index in enumerate(indexes):
        vector = VECTORS[position if index is None else index]
        item = {"object": "embedding", "embedding": packed(vector) if encoded else vector}
        data.append(item if index is None else {**item, "index": index})
    return {"object": "list", "data": data, **members}


@pytest.mark.parametrize("indexes", [(0, 1, 2), (2, 0, 1), (None, 1, 2), (None, None, None), (1, None, 2)])
@pytest.mark.parametrize(("encoded", "dtype"), [(True, np.float32), (False, np.float64)])
async def test_vectors_come_in_the_order_of_the_inputs(
    indexes: tuple[int | None, ...], encoded: bool, dtype: type[np.floating[Any]]
) -> None:
    if indexes == (1, None, 2):
        answer = embeddings(1, 0, 2, encoded=encoded)
        del answer["data"][1]["index"]
    else:
        answer = embeddings(*indexes, encoded=encoded)
    found = await always(lambda: httpx.Response(200, json=answer)).embed(EMBED)
    assert [vector.tolist() for vector in found.vectors] == VECTORS
    assert {vector.dtype.type for vector in found.vectors} == {dtype}
    assert (found.model, found.prompt_tokens, found.total_tokens) == ("e", None, None)


@pytest.mark.parametrize("indexes", [("0", "1", "2"), (2.0, 0.0, 1.0), (None, "2", 1.0), ("2", None, None)])
async def test_indexes_may_be_texts_or_floats(indexes: tuple[Any, ...]) -> None:
    data = [
        {"embedding": [float(at)], **({} if index is None else {"index": index})} for at, index in enumerate(indexes)
    ]
    found = await always(lambda: httpx.Response(200, json={"data": data})).embed(EMBED)
    places = [None if index is None else int(index) for index in indexes]
    unplaced = iter([at for at, place in enumerate(places) if place is None])
    assert [vector[0] for vector in found.vectors] == [
        places.index(place) if place in places else next(unplaced) for place in range(3)
    ]


async def test_numbers_may_be_texts() -> None:
    answer = {"data": [{"embedding": ["1.5", 2, 3.4e38]}] * 3}
    found = await always(lambda: httpx.Response(200, json=answer)).embed(EMBED)
    assert found.vectors[0].tolist() == [1.5, 2.0, 3.4e38]


async def test_the_model_and_the_tokens_are_the_upstreams() -> None:
    answer = embeddings(0, 1, 2, model="e-2", usage={"prompt_tokens": 7})
    found = await always(lambda: httpx.Response(200, json=answer)).embed(EMBED)
    assert (found.model, found.prompt_tokens, found.total_tokens) == ("e-2", 7, 7)


@pytest.mark.parametrize(
    ("told", "read"),
    [(1 << 31, MOST), (MOST, MOST), (-5, 0), (0, 0), (1e308, None), (1 << 63, None), ("8", 8), (True, None)],
)
async def test_tokens_of_embeddings_stay_within_what_the_contract_holds(told: object, read: int | None) -> None:
    answer = embeddings(0, 1, 2, usage={"prompt_tokens": told, "total_tokens": told})
    found = await always(lambda: httpx.Response(200, json=answer)).embed(EMBED)
    assert (found.prompt_tokens, found.total_tokens) == (read, read)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": None},
        {"data": []},
        embeddings(0, 1),
        embeddings(0, 1, 1),
        {"data": [{"embedding": [1.0], "index": index} for index in (0, 1, 3)]},
        {"data": [{"embedding": [1.0], "index": index} for index in (-1, 0, 1)]},
        {"data": ["a", "b", "c"]},
        *[{"data": [{"embedding": [1.0], "index": index} for index in (0, 1, odd)]} for odd in ODD_INDEXES],
        {"data": [{"embedding": [1.0]}, {"embedding": [1.0], "index": "1"}, {"embedding": [1.0], "index": 1.0}]},
        *[
            {"data": [{"embedding": bad}] * 3}
            for bad in (
                None,
                [],
                "",
                "!!!",
                "AAA=",
                [[1.0]],
                ["x"],
                [None],
                {"a": 1},
                packed([float("nan")]),
                5,
                [True],
                [1.0, None],
                ["nan"],
                ["inf"],
                [1e300],
                [1, -3.5e38],
                packed([float("inf")]),
            )
        ],
    ],
)
async def test_embeddings_that_do_not_match_the_inputs_are_a_protocol_error(answer: Json) -> None:
    with pytest.raises(UpstreamProtocolError):
        await always(lambda: httpx.Response(200, json=answer)).embed(EMBED)


@pytest.mark.parametrize(
    "told", [{"message": "unknown field encoding_format"}, {"message": "no", "param": "encoding_format"}]
)
@pytest.mark.parametrize("status", [400, 422])
async def test_floats_are_asked_for_once_base64_was_refused_and_then_always(told: Json, status: int) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(orjson.loads(request.content)["encoding_format"])
        return (
            httpx.Response(status, json={"error": told})
            if asked[-1] == "base64"
            else httpx.Response(200, json=embeddings(0, 1, 2))
        )

    upstream = upstream_of(handler)
    for _ in range(2):
        assert len((await upstream.embed(EMBED)).vectors) == 3
    assert asked == ["base64", "float", "float"]


async def test_another_refusal_of_embeddings_is_not_repeated() -> None:
    calls: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(400, json={"error": {"message": "too long"}})

    with pytest.raises(UpstreamRefused, match="too long"):
        await upstream_of(handler).embed(EMBED)
    assert len(calls) == 1


@pytest.mark.parametrize(("count", "calls"), [(1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
async def test_gemini_gets_a_hundred_texts_a_call_and_no_user(count: int, calls: list[int]) -> None:
    seen: list[Json] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(orjson.loads(request.content))
        data = [{"object": "embedding", "embedding": [float(text)]} for text in seen[-1]["input"]]
        usage = {"prompt_tokens": len(data), "total_tokens": len(data)}
        return httpx.Response(200, json={"object": "list", "data": data, "usage": usage})

    request = {"model": "e", "input": [str(at) for at in range(count)], "user": "u", "dimensions": 1}
    found = await upstream_of(handler, profile=GEMINI).embed(request)
    assert [vector.tolist() for vector in found.vectors] == [[float(at)] for at in range(count)]
    assert (found.prompt_tokens, found.total_tokens) == (count, count)
    assert [len(body["input"]) for body in seen] == calls
    assert all(body.keys() == {"model", "input", "dimensions", "encoding_format"} for body in seen)


@pytest.mark.parametrize(("told", "total"), [((None, None), None), ((3, None), 3), ((0, 4), 4), ((MOST, 1), MOST)])
async def test_tokens_of_several_calls_are_those_that_were_told(
    told: tuple[int | None, int | None], total: int | None
) -> None:
    answers = [
        {"data": [{"embedding": [1.0]}] * texts, **({} if count is None else {"usage": {"prompt_tokens": count}})}
        for texts, count in zip((100, 1), told, strict=True)
    ]
    upstream = upstream_of(lambda request: httpx.Response(200, json=answers.pop(0)), profile=GEMINI)
    found = await upstream.embed({"model": "e", "input": ["a"] * 101})
    assert (found.prompt_tokens, found.total_tokens) == (total, total)


async def test_others_get_all_texts_in_one_call_with_the_user() -> None:
    seen: list[Json] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(orjson.loads(request.content))
        return httpx.Response(200, json={"data": [{"embedding": [1.0]}] * 101})

    await upstream_of(handler).embed({"model": "e", "input": ["a"] * 101, "user": "u"})
    assert [(len(body["input"]), body["user"]) for body in seen] == [(101, "u")]
