"""Events told by their bytes are those that reading them would have told."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelwire_service.upstreams.openai.stream import ChunkReader
from modelwire_service.upstreams.openai.text_pattern import TextPattern
from modelwire_service.upstreams.redaction import Redactor
from modelwire_service.upstreams.text_runs import TextRun, chunks_in


def chunk(content: Any, **members: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **members}


LIKE = orjson.dumps(chunk("like"))


def pattern(event: bytes = LIKE) -> TextPattern:
    found = TextPattern.of(event, orjson.loads(event))
    assert found is not None
    return found


@pytest.mark.parametrize("text", [b"", b"a", b" tick", "hé😀".encode(), b"{}[],:", b"\x7f", b"data: [DONE]"])
@pytest.mark.parametrize("like", [LIKE, LIKE.replace(b'":"', b'": "'), LIKE.replace(b"like", b"")])
def test_another_text_is_one_more_of_the_run(like: bytes, text: bytes) -> None:
    event = like.replace(b"like", text) if b"like" in like else like.replace(b'""', b'"%b"' % text)
    run = pattern(like).run([event, event, b"{}", event], 0)
    assert run is not None
    assert run.texts == [text, text]


@pytest.mark.parametrize(
    "event",
    [
        b"",
        b"{}",
        LIKE[:-1],
        LIKE + b" ",
        LIKE.replace(b'"m"', b'"n"'),
        LIKE.replace(b"like", b'a","x":"b'),
        LIKE.replace(b"like", b"a\\n"),
        LIKE.replace(b"like", b"\n"),
        LIKE.replace(b"like", b"\x00"),
        LIKE.replace(b"like", b"\xff"),
        LIKE.replace(b"like", b"\xed\xa0\x80"),  # a surrogate
        LIKE.replace(b'"like"', b"null"),
        LIKE.replace(b'like"', b""),
    ],
)
def test_anything_else_is_none_of_it(event: bytes) -> None:
    assert pattern().run([event], 0) is None
    run = pattern().run([LIKE, event, LIKE], 0)
    assert run is not None
    assert run.texts == [b"like"]


@pytest.mark.parametrize(
    "event",
    [
        orjson.dumps(chunk('a "quoted" text')),
        orjson.dumps(chunk("a", id="back\\slash")),
        b'{"choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}',
        b'{"choices":[{"index":0,"delta":{"content" : "a"}}]}',
        b'{"choices":[{"index":0,"delta":{"\\u0063ontent":"a"}}]}',
    ],
)
def test_an_event_that_bytes_cannot_tell_makes_no_pattern(event: bytes) -> None:
    assert TextPattern.of(event, {}) is None


class Watched(list[bytes]):
    """Events, and how many of them were looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[bytes]:
        for event in super().__iter__():
            self.looked_at += 1
            yield event

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        self.looked_at += len(found) if isinstance(place, slice) else 1
        return found


def test_many_runs_in_one_piece_are_found_without_looking_at_all_of_it_for_each() -> None:
    events = Watched([LIKE, LIKE.replace(b"like", b"a\\n")] * 1000)
    runs = [pattern().run(events, at) for at in range(len(events))]
    assert [len(run.texts) if run else 0 for run in runs] == [1, 0] * 1000
    assert events.looked_at < 100 * len(events)


def test_what_needs_escapes_does_not_end_the_pattern() -> None:
    said = [chunk(text) for text in ("a", "b", "\n", "c", "d", '"', "e")]
    reader = ChunkReader(Redactor([], "http://x"))
    read = reader.feed(b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in said))
    assert [len(each.texts) if isinstance(each, TextRun) else 0 for each in read] == [0, 1, 0, 2, 0, 1]
    assert list(chunks_in(read)) == said


TEXTS = st.one_of(st.sampled_from(["a", " tick", "", '"', "\\", "\n", "é", "\u2028"]), st.text(max_size=5))
CHUNKS = st.builds(chunk, TEXTS, model=st.sampled_from(["m", "m", "m", "n"]))
FORMS = st.sampled_from([orjson.dumps, lambda value: orjson.dumps(value).replace(b'":', b'": ')])


@given(st.lists(st.tuples(CHUNKS, FORMS), max_size=12), st.integers(1, 40))
def test_runs_change_nothing_of_what_is_read(chunks: list[tuple[dict[str, Any], Any]], size: int) -> None:
    stream = b"".join(b"data: " + form(said) + b"\n\n" for said, form in chunks)
    reader = ChunkReader(Redactor([], "http://x"))
    read = [each for at in range(0, len(stream), size) for each in chunks_in(reader.feed(stream[at : at + size]))]
    whole = ChunkReader(Redactor([], "http://x"))
    assert read == list(chunks_in(whole.feed(stream))) == [orjson.loads(form(said)) for said, form in chunks]
    assert reader.failure is whole.failure is None


def test_a_stream_of_likes_is_a_run_from_its_second_event() -> None:
    events = [orjson.dumps(chunk(f"word {at}")) for at in range(100)]
    reader = ChunkReader(Redactor([], "http://x"))
    first, run = reader.feed(b"".join(b"data: " + event + b"\n\n" for event in events))
    assert (first, isinstance(run, TextRun) and len(run.texts)) == (chunk("word 0"), 99)
