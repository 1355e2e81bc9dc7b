"""SSE framing: what bytes make which events, however the network splits them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.sse import SseReader

RECORDED = (
    b"\xef\xbb\xbf: OPENROUTER PROCESSING\r\n\r\n"
    b'event: message\r\nid: 1\r\ndata: {"choices":[{"delta":{"content":"h\xc3\xa9"}}]}\r\n\r\n'
    b'data:{"a":1}\n\n'
    b"data: first\rdata: second\r\r"
    b"data: : keepalive\n\ndata:\n\nretry: 5\n\n"
    b"data:  two spaces\r\n\r\n"
    b"data\ndata: after an empty line\n\n"
    b"data: [DONE]\n\n"
    b"data: without an end"
)
EVENTS = [
    '{"choices":[{"delta":{"content":"hé"}}]}'.encode(),
    b'{"a":1}',
    b"first\nsecond",
    b": keepalive",
    b" two spaces",
    b"\nafter an empty line",
    b"[DONE]",
    b"without an end",
]


def events_of(*pieces: bytes) -> list[bytes]:
    reader = SseReader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.close()


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"", []),
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data: a", [b"a"]),
        (b"data: a\n", [b"a"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\n\n\n\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data:\n\ndata: \n\ndata\n\n", []),
        (b": comment\n:\n\n", []),
        (b"database: a\n\n", []),
        (b" data: a\n\n", []),
        (b"DATA: a\n\n", []),
        (b"event: message\ndata: a\n\n", [b"a"]),
        (b"event: errors\ndata: a\n\n", [b"a"]),
        (b"event: error\nevent: message\ndata: a\n\n", [b"a"]),
        (b"event: error\n\ndata: a\n\n", [b"a"]),  # an event without data is none, and its name goes with it
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"]),  # a byte order mark is one at the start only
        (b"data: \xf0\x9f\x98\x80\n\n", [b"\xf0\x9f\x98\x80"]),
    ],
)
def test_streams_and_their_events(stream: bytes, events: list[bytes]) -> None:
    assert events_of(stream) == events
    assert events_of(*(bytes([byte]) for byte in stream)) == events


@pytest.mark.parametrize(
    ("stream", "events", "error"),
    [
        (b"event: error\ndata: a\n\n", [], b"a"),
        (b"event:error\r\ndata:a\r\n\r\n", [], b"a"),
        (b"data: a\nevent: error\n\n", [], b"a"),
        (b"event: error\ndata: a\ndata: b\n\n", [], b"a\nb"),
        (b"event: error\ndata:\n\n", [], b""),
        (b"event: error\ndata: a", [], b"a"),
        (b"\xef\xbb\xbfevent: error\ndata: a\n\n", [], b"a"),
        (b"data: a\n\nevent: error\ndata: b\n\ndata: c\n\nevent: error\ndata: d\n\n", [b"a"], b"b"),
        (b"event: note\ndata: a\n\n", [b"a"], None),
        (b'data: a\n\nerror: {"code": 400}\n\ndata: b\n\n', [b"a"], b'{"code": 400}'),  # llama-server until 2025
        (b"error:a", [], b"a"),
        (b"event: error\ndata: a\n\nerror: b\n\n", [], b"a"),
    ],
)
def test_an_event_named_error_is_told_apart_and_the_last(
    stream: bytes, events: list[bytes], error: bytes | None
) -> None:
    for pieces in ([stream], [bytes([byte]) for byte in stream]):
        reader = SseReader()
        assert [event for piece in pieces for event in reader.feed(piece)] + reader.close() == events
        assert reader.error == error


def test_every_split_in_two_gives_the_same_events() -> None:
    for first in range(len(RECORDED) + 1):
        assert events_of(RECORDED[:first], RECORDED[first:]) == EVENTS, first


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11])
def test_pieces_of_any_size_give_the_same_events(size: int) -> None:
    pieces = [RECORDED[start : start + size] for start in range(0, len(RECORDED), size)]
    assert events_of(*pieces, b"") == EVENTS


PARTS = [b"data: a", b"data:", b"data: ", b"event: error", b": note", b"\n", b"\n\n", b"\r", b"\r\n", b"\xef\xbb\xbf"]


@given(st.lists(st.sampled_from(PARTS)).map(b"".join), st.lists(st.integers(0, 60)))
def test_how_a_stream_is_cut_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    pieces = [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    whole, by_byte, cut_up = SseReader(), SseReader(), SseReader()
    expected = [event for at in range(len(stream)) for event in by_byte.feed(stream[at : at + 1])] + by_byte.close()
    assert whole.feed(stream) + whole.close() == expected
    assert [event for piece in pieces for event in cut_up.feed(piece)] + cut_up.close() == expected
    assert whole.error == by_byte.error == cut_up.error


def test_an_event_comes_with_the_piece_that_completes_it() -> None:
    reader = SseReader()
    assert reader.feed(b"data: a\n") == []
    assert reader.feed(b"\ndata: b\n\ndata: c") == [b"a", b"b"]
    assert reader.feed(b"\r") == []
    assert reader.feed(b"\n\r") == [b"c"]
    assert reader.feed(b"\n") == []


@pytest.mark.parametrize(
    "stream",
    [b"data: " + b"x" * 200, b"data: x\n" * 20, b"data\n" * 40, b": " + b"x" * 200, b"data: 123456\n" * 12],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_an_event_over_the_limit_is_refused(stream: bytes, size: int) -> None:
    reader = SseReader(max_event_bytes=100)
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    with pytest.raises(UpstreamProtocolError, match="more than 100 bytes"):
        list(map(reader.feed, pieces))


def test_the_limit_is_one_of_events_not_of_streams() -> None:
    reader = SseReader(max_event_bytes=100)
    fed = [event for _ in range(100) for event in reader.feed(b"data: " + b"x" * 60 + b"\n\n: comment\n")]
    assert fed == [b"x" * 60] * 100
