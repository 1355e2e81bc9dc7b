"""Runs of chunks, one by one and as they are written."""

from typing import Any

import orjson
import pytest
from modelwire_service.completions import ChunkStream
from modelwire_service.events import Events
from modelwire_service.upstreams.text_runs import Batch, TextRun, chunks_in, count_in

TEXTS = (b"a", b" tick", b"", "hé😀".encode())


def chunk(content: str, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": content}, "logprobs": None, "finish_reason": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", **more, "choices": [choice]}


RUN = TextRun(chunk("first"), TEXTS)


def test_the_chunks_of_a_run_differ_in_their_text_alone() -> None:
    assert list(RUN.chunks()) == [chunk(text.decode()) for text in TEXTS]
    assert RUN.like == chunk("first")


def test_the_chunks_of_a_run_make_one() -> None:
    assert RUN.joined() == chunk("a tickhé😀")


def test_a_batch_is_all_its_chunks() -> None:
    batch: Batch = [chunk("x"), RUN, chunk("y")]
    assert [each["choices"][0]["delta"]["content"] for each in chunks_in(batch)] == ["x", "a", " tick", "", "hé😀", "y"]
    assert count_in(batch) == 6


@pytest.mark.parametrize("include_usage", [False, True])
@pytest.mark.parametrize("model", ["m", 'a "content":"" of sorts'])
def test_a_run_goes_out_as_its_chunks_would(include_usage: bool, model: str) -> None:
    first, other = chunk("first", model=model), {**chunk("other", model=model), "system_fingerprint": "f"}
    batches: list[Batch] = [[first, TextRun(first, TEXTS)], [TextRun(first, TEXTS), other], [TextRun(other, TEXTS)]]
    runs, singles = ChunkStream("m", include_usage=include_usage), ChunkStream("m", include_usage=include_usage)
    events = Events()
    for batch in batches:
        expected = [b"data: " + orjson.dumps(said) + b"\n\n" for said in singles.chunks(list(chunks_in(batch)))]
        assert events.of(runs.chunks(batch)) == b"".join(expected)
