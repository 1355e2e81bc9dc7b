"""The embedding model itself, at work."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.embedded.embedder import DIMENSIONS, Embedder
from modelwire_service.upstreams.embedded.packages import EMBEDDING_WEIGHTS, weights_path

CAT, KITTEN, TAX = "The cat sat on the mat.", "A kitten rests on a rug.", "File your tax return by April."


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    made = Embedder(weights_path(EMBEDDING_WEIGHTS))
    yield made
    made.close()


async def test_vectors_are_float32_of_length_one(embedder: Embedder) -> None:
    vectors, _ = await embedder.embed([CAT, TAX])
    assert [vector.dtype for vector in vectors] == [np.float32, np.float32]
    assert [vector.shape for vector in vectors] == [(DIMENSIONS,), (DIMENSIONS,)]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-6)


@pytest.mark.parametrize("dimensions", [None, 256, 64])
async def test_texts_of_like_meaning_are_nearer(embedder: Embedder, dimensions: int | None) -> None:
    (cat, kitten, tax), _ = await embedder.embed([CAT, KITTEN, TAX], dimensions)
    assert cat @ kitten > 0.5 > 0.2 > cat @ tax


async def test_a_text_has_the_same_vector_alone_and_in_any_batch(embedder: Embedder) -> None:
    texts = [f"{CAT} " * (index % 7 + 1) + f"number {index} {TAX}" * (index % 3) for index in range(40)]
    together, _ = await embedder.embed(texts)
    reversed_together, _ = await embedder.embed(texts[::-1])
    alone = [(await embedder.embed([text]))[0][0] for text in texts]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, reversed_together[::-1])


@pytest.mark.parametrize("dimensions", [1, 2, 100, 383, 384])
async def test_dimensions_cut_the_vector_and_restore_its_length(embedder: Embedder, dimensions: int) -> None:
    (whole,), _ = await embedder.embed([CAT])
    (cut,), _ = await embedder.embed([CAT], dimensions)
    assert cut.shape == (dimensions,)
    assert cut == pytest.approx(whole[:dimensions] / np.linalg.norm(whole[:dimensions]), abs=1e-6)


@pytest.mark.parametrize("dimensions", [-1, 0, 385, 1536])
async def test_dimensions_the_model_has_not_are_refused(embedder: Embedder, dimensions: int) -> None:
    with pytest.raises(InvalidRequest, match=r"^dimensions: must be between 1 and 384$"):
        await embedder.embed([CAT], dimensions)


async def test_tokens_are_counted_with_their_markers(embedder: Embedder) -> None:
    assert (await embedder.embed(["hello"]))[1] == 3
    assert (await embedder.embed(["hello world", "hello"]))[1] == 7


async def test_a_text_of_the_longest_length_is_read(embedder: Embedder) -> None:
    assert (await embedder.embed(["hello " * 510]))[1] == 512


async def test_each_text_that_is_too_long_is_named(embedder: Embedder) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await embedder.embed(["hello " * 511, CAT, "hello " * 1000])
    assert [str(violation) for violation in caught.value.violations] == [
        "input[0]: has 513 tokens; the model reads at most 512",
        "input[2]: has 1002 tokens; the model reads at most 512",
    ]


@pytest.mark.parametrize("text", ["", " ", "\0", "\u200b", "🜁" * 50])
async def test_odd_texts_have_vectors_too(embedder: Embedder, text: str) -> None:
    (vector,), _ = await embedder.embed([text])
    assert np.linalg.norm(vector) == pytest.approx(1)


async def test_nothing_in_gives_nothing_out(embedder: Embedder) -> None:
    assert await embedder.embed([]) == ([], 0)


async def test_the_event_loop_runs_on_meanwhile(embedder: Embedder) -> None:
    embedding = asyncio.ensure_future(embedder.embed([f"{CAT} " * 30] * 2))
    turns = 0
    while not embedding.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100


async def test_callers_at_once_get_their_own_vectors(embedder: Embedder) -> None:
    texts = [f"text number {index}" for index in range(20)]
    at_once = await asyncio.gather(*(embedder.embed([text]) for text in texts))
    in_turn = [await embedder.embed([text]) for text in texts]
    assert np.array_equal([vectors[0] for vectors, _ in at_once], [vectors[0] for vectors, _ in in_turn])
