"""Events told by their bytes are those that reading them would have told."""

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


def sent(*events: bytes) -> bytes:
    return b"".join(b"data: %b\n\n" % event for event in events)


def run_of(found: TextPattern, piece: bytes, start: int = 0) -> tuple[list[bytes], bytes]:
    """The texts of a run, and what is left of the piece behind it."""
    run = found.run(piece, start)
    return ([], piece[start:]) if run is None else (list(run[0].texts), piece[run[1] :])


@pytest.mark.parametrize("text", [b"", b"a", b" tick", "hé😀".encode(), b"{}[],:", b"\x7f", b"data: [DONE]"])
@pytest.mark.parametrize("like", [LIKE, LIKE.replace(b'":"', b'": "'), LIKE.replace(b"like", b"")])
@pytest.mark.parametrize("behind", [b"", b"data", sent(b"{}"), sent(b"{}", LIKE), b": comment\n\n" + sent(LIKE)])
def test_another_text_is_one_more_of_the_run(like: bytes, text: bytes, behind: bytes) -> None:
    event = like.replace(b"like", text) if b"like" in like else like.replace(b'""', b'"%b"' % text)
    piece = sent(b"{}") + sent(event, event)
    assert run_of(pattern(like), piece + behind, len(sent(b"{}"))) == ([text, text], behind)


@pytest.mark.parametrize("cut", range(1, len(sent(LIKE))))
def test_an_event_that_has_not_ended_is_none_of_it(cut: int) -> None:
    assert run_of(pattern(), sent(LIKE)[:-cut]) == ([], sent(LIKE)[:-cut])
    assert run_of(pattern(), sent(LIKE, LIKE)[:-cut]) == ([b"like"], sent(LIKE)[:-cut])


@pytest.mark.parametrize("size", [1, 10, 1 << 14, 1 << 16])
def test_a_run_is_as_long_as_it_is(size: int) -> None:
    texts = [b"x" * size, b"y"] * 50
    piece = sent(*(LIKE.replace(b"like", text) for text in texts))
    assert run_of(pattern(), piece) == (texts, b"")


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
    assert run_of(pattern(), sent(event)) == ([], sent(event))
    assert run_of(pattern(), sent(LIKE, event, LIKE)) == ([b"like"], sent(event, LIKE))


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


class Watched(bytes):
    """A piece, and how many bytes of it were looked at."""

    looked_at = 0

    def rfind(self, part: Any, *place: Any) -> int:
        self.looked_at += place[1] - place[0]
        return super().rfind(part, *place)

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        self.looked_at += len(found)
        return found


def test_many_runs_in_one_piece_are_found_without_looking_at_all_of_it_for_each() -> None:
    events = [LIKE, LIKE.replace(b"like", b"a\\n")] * 1000
    piece, at, runs = Watched(sent(*events)), 0, []
    for event in events:
        run = pattern().run(piece, at)
        runs.append(len(run[0].texts) if run else 0)
        at += len(sent(event))
    assert runs == [1, 0] * 1000
    assert 0 < piece.looked_at < 50 * len(piece)


def test_what_needs_escapes_does_not_end_the_pattern() -> None:
    said = [chunk(text) for text in ("a", "b", "\n", "c", "d", '"', "e")]
    reader = ChunkReader(Redactor([], "http://x"))
    read = reader.feed(b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in said))
    assert [len(each.texts) if isinstance(each, TextRun) else 0 for each in read] == [0, 1, 0, 2, 0, 1]
    assert list(chunks_in(read)) == said


TEXTS = st.one_of(st.sampled_from(["a", " tick", "", '"', "\\", "\n", "é", "\u2028"]), st.text(max_size=5))
CHUNKS = st.builds(chunk, TEXTS, model=st.sampled_from(["m", "m", "m", "n"]))
FORMS = st.sampled_from([orjson.dumps, lambda value: orjson.dumps(value).replace(b'":', b'": ')])


BEFORE = st.sampled_from([b"", b"", b"", b": a comment\n\n", b"id: 1\n", b"event: message\r\n", b"\n", b"\r"])


@given(st.lists(st.tuples(CHUNKS, FORMS, BEFORE), max_size=12), st.integers(1, 400))
def test_runs_change_nothing_of_what_is_read(chunks: list[tuple[dict[str, Any], Any, bytes]], size: int) -> None:
    stream = b"".join(before + b"data: " + form(said) + b"\n\n" for said, form, before in chunks)
    reader = ChunkReader(Redactor([], "http://x"))
    read = [each for at in range(0, len(stream), size) for each in chunks_in(reader.feed(stream[at : at + size]))]
    whole = ChunkReader(Redactor([], "http://x"))
    assert read == list(chunks_in(whole.feed(stream))) == [orjson.loads(form(said)) for said, form, _ in chunks]
    assert reader.failure is whole.failure is None


def test_a_stream_of_likes_is_a_run_from_its_second_event() -> None:
    events = [orjson.dumps(chunk(f"word {at}")) for at in range(100)]
    reader = ChunkReader(Redactor([], "http://x"))
    first, run = reader.feed(b"".join(b"data: " + event + b"\n\n" for event in events))
    assert (first, isinstance(run, TextRun) and len(run.texts)) == (chunk("word 0"), 99)


@pytest.mark.parametrize("bad", [b"x", b'"', b"\n"])
def test_what_has_no_end_is_looked_at_once(bad: bytes) -> None:
    long = sent(LIKE.partition(b"like")[0] + bad * 1_000_000)
    assert run_of(pattern(), sent(LIKE) + long) == ([b"like"], long)
