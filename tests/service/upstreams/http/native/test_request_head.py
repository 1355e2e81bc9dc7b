"""Heads of requests, as bytes."""

import pytest
from modelwire_service.upstreams.http.native.request_head import Origin, RequestHead


def lines_of(url: str, *headers: tuple[str, str], method: str = "GET") -> list[str]:
    return RequestHead.of(method, url, headers).before(0).decode().removesuffix("\r\n\r\n").split("\r\n")


@pytest.mark.parametrize(
    ("url", "origin", "target", "host"),
    [
        ("http://u.test", Origin(False, "u.test", 80), "/", "u.test"),
        ("https://u.test/v1/chat", Origin(True, "u.test", 443), "/v1/chat", "u.test"),
        ("http://U.test:8080/a?b=c&d=%20e", Origin(False, "u.test", 8080), "/a?b=c&d=%20e", "u.test:8080"),
        ("http://[::1]:8080/", Origin(False, "::1", 8080), "/", "[::1]:8080"),
        ("https://u.test:443/a#b", Origin(True, "u.test", 443), "/a", "u.test"),
        ("http://u.test/é b", Origin(False, "u.test", 80), "/%C3%A9%20b", "u.test"),
        ("http://bücher.test/", Origin(False, "xn--bcher-kva.test", 80), "/", "xn--bcher-kva.test"),
    ],
)
def test_a_url_says_where_it_goes(url: str, origin: Origin, target: str, host: str) -> None:
    head = RequestHead.of("GET", url, ())
    assert head.origin == origin
    assert lines_of(url) == [f"GET {target} HTTP/1.1", f"host: {host}", "accept-encoding: identity"]


def test_given_headers_win() -> None:
    lines = lines_of("http://u.test", ("Host", "other.test"), ("Accept-Encoding", "gzip"), ("X-Key", "é"))
    assert lines[1:] == ["host: other.test", "accept-encoding: gzip", "x-key: é"]


@pytest.mark.parametrize(
    ("method", "length", "last"),
    [("GET", 0, "x: 1"), ("GET", 2, "content-length: 2"), ("POST", 0, "content-length: 0")],
)
def test_a_length_is_told_where_there_may_be_a_body(method: str, length: int, last: str) -> None:
    head = RequestHead.of(method, "http://u.test", [("x", "1")]).before(length)
    assert head.endswith(f"\r\n{last}\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://u.test/", {}),
        ("/v1", {}),
        ("http://user:secret@u.test/", {}),
        ("http://u.test:99999/", {}),
        ("http://u .test/", {}),
        ("http://.u.test/", {}),
        ("http://u.test\x00/", {}),
        ("http://u.test/", {"x": "a\r\nb: c"}),
        ("http://u.test/", {"x": "a\nb"}),
        ("http://u.test/", {"x": "a\0b"}),
        ("http://u.test/", {"x": "\ud800"}),
        ("http://u.test/", {"x y": "a"}),
        ("http://u.test/", {"x\r\ny": "a"}),
        ("http://u.test/", {"": "a"}),
        ("http://u.test/", {"Content-Length": "7"}),
        ("http://u.test/", {"Transfer-Encoding": "chunked"}),
    ],
)
def test_what_cannot_be_sent_is_refused(url: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - some are of urllib, some of codecs
        RequestHead.of("POST", url, headers.items())


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "get", "GET / HTTP/1.1\r\n"])
def test_other_methods_are_refused(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        RequestHead.of(method, "http://u.test", ())


@pytest.mark.parametrize("path", ["/a\r\nx: y", "/a b", "/a\tb", "/a\0b"])
def test_no_url_breaks_out_of_its_line(path: str) -> None:
    first, *rest = lines_of(f"http://u.test{path}")
    assert first.count(" ") == 2
    assert len(rest) == 2
