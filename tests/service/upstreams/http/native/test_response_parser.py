"""Answers read from bytes, however they are split."""

import pytest
from modelwire_service.upstreams.http.native.response_parser import (
    HEAD_BYTES,
    HEAD_FIELDS,
    MalformedResponse,
    ResponseHead,
    ResponseParser,
)

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def read(parser: ResponseParser, data: bytes, size: int) -> tuple[ResponseHead, bytes]:
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
    assert parser.answer is not None
    return parser.answer, b"".join(parser.pieces)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("data", "status", "body", "keeps_alive"),
    [
        (OK + b"content-length: 3\r\n\r\nabc", 200, b"abc", True),
        (OK + b"content-length: 0\r\n\r\n", 200, b"", True),
        (OK + b"Connection: Close\r\ncontent-length: 3\r\n\r\nabc", 200, b"abc", False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabc", 200, b"abc", False),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 3\r\n\r\nabc", 200, b"abc", True),
        (CHUNKED + b"1\r\na\r\n2;of=what\r\nbc\r\n0\r\n\r\n", 200, b"abc", True),
        (CHUNKED + b"3 \r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n", 200, b"abc", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 3\r\n\r\nabc", 200, b"abc", True),
        (b"HTTP/1.1 103 Early\r\nlink: </x>\r\n\r\n" + OK + b"content-length: 0\r\n\r\n", 200, b"", True),
        (b"HTTP/1.1 500\ncontent-length: 1\n\nx", 500, b"x", True),
        (OK + b"upgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 1\r\n\r\nx", 200, b"x", True),
    ],
)
def test_a_whole_answer_is_read(data: bytes, status: int, body: bytes, keeps_alive: bool, size: int) -> None:
    head, came = read(ResponseParser(), data, size)
    assert (head.status, came, head.complete, head.keeps_alive) == (status, body, True, keeps_alive)
    assert "link" not in head.headers
    assert "x-trailer" not in head.headers


@pytest.mark.parametrize("size", [1, 1000])
def test_headers_are_joined_by_lower_case_name(size: int) -> None:
    head, _ = read(
        ResponseParser(), OK + b"X-A: 1\r\nx-a: 2\r\nx-none:\r\nX-Latin: \xe9\r\ncontent-length: 0\r\n\r\n", size
    )
    assert head.headers == {"x-a": "1, 2", "x-none": "", "x-latin": "é", "content-length": "0"}


def test_answers_are_read_one_after_another() -> None:
    parser = ResponseParser()
    for body in (b"abc", b"", b"de"):
        head, came = read(parser, OK + b"content-length: %d\r\n\r\n" % len(body) + body, 1)
        assert (came, head.complete, head.keeps_alive) == (body, True, True)
        parser.restart()


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    head, came = read(ResponseParser(), OK + b"\r\nabc", 2)
    assert (came, head.complete, head.ends_with_connection) == (b"abc", False, True)


@pytest.mark.parametrize("behind", [b"H", OK, OK + b"x: 1\r\ncontent-length: 3\r\n\r\nbad"])
def test_another_answer_behind_one_ends_its_connection(behind: bytes) -> None:
    head, came = read(ResponseParser(), OK + b"content-length: 3\r\n\r\nabc" + behind, 1000)
    assert (came, head.complete, head.keeps_alive) == (b"abc", True, False)
    assert head.headers == {"content-length": "3"}


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/3 200 OK\r\n\r\n",
        b"HTTP/1.1 099 Early\r\n\r\n",
        OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        OK + b"content-length: 3, 3\r\n\r\nabc",
        OK + b"content-length: -3\r\n\r\nabc",
        OK + b"content-length: 99999999999999999999\r\n\r\nabc",
        OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
        OK + b"transfer-encoding: gzip\r\n\r\nabc",
        OK + b"transfer-encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        OK + b"a b: c\r\n\r\n",
        OK + b"a: b\0c\r\n\r\n",
        CHUNKED + b"no size\r\n",
        CHUNKED + b"ffffffffffffffffff\r\n",
        CHUNKED + b"3\r\nabcd\r\n",
        OK + b"content-length: 3\r\n\r\nabc and more",
    ],
)
def test_what_makes_no_sense_is_refused(data: bytes, size: int) -> None:
    with pytest.raises(MalformedResponse):
        read(ResponseParser(), data, size)


@pytest.mark.parametrize("size", [100, 1 << 30])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(OK + b"x-long: " + b"x" * HEAD_BYTES, id="a long header"),
        pytest.param(OK + b"x: 1\r\n" * (HEAD_FIELDS + 2), id="many headers"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * (HEAD_BYTES // 20), id="many informational responses"),
        pytest.param(CHUNKED + b"3;" + b"x" * HEAD_BYTES, id="a long chunk extension"),
        pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\nx-long: " + b"x" * 2 * HEAD_BYTES, id="a long trailer"),
        pytest.param(CHUNKED + b"0\r\n" + b"x: 1\r\n" * (HEAD_FIELDS + 2), id="many trailers"),
    ],
)
def test_what_brings_no_content_is_bounded(data: bytes, size: int) -> None:
    with pytest.raises(MalformedResponse):
        read(ResponseParser(), data, size)


def test_a_head_and_a_body_may_come_as_one_large_piece() -> None:
    body = bytes(4 * HEAD_BYTES)
    head, came = read(ResponseParser(), OK + b"content-length: %d\r\n\r\n" % len(body) + body, 1 << 30)
    assert (came, head.complete) == (body, True)
