"""Requests about answers: errors, streams, raw bodies and metadata."""

from collections.abc import Iterator
from itertools import product

from side_by_side.exchange import JSON, Request

_TEXT = (("content-type", "text/plain"),)
_ACCEPTED = ("application/json", "text/event-stream", "application/x-ndjson", "*/*", "text/html")
_UPLOADS = (b"[]", b'[{"aString":"x"}]', b'[{"aString":"x"},{"aString":"y"}]', b' [ {} , {} ] ',
    b'{"aString":"x"}', b"", b"[", b"[{}",
            b"[{},]", b"[{} {}]", b"[1]", b'[{"nope":1}]', b'[{"anInt32":"x"}]', b"[null]",
            b'{"aString":"x"}\n{"aString":"y"}\n', b"[{}] x")  # fmt: skip
_NODES = (b"[]", b'[{"name":"a"}]', b'[{"name":"a"},{"name":"b"}]', b"{}")
_HEADERS = (
    ("authorization", "Bearer x"),
    ("cookie", "a=b"),
    ("accept", "application/json"),
    ("accept-language", "de"),
    ("referer", "http://side.test/"),
    ("user-agent", "somebody/1.0"),
    ("x-custom", "1"),
    ("x-custom", "caf\xe9"),
    ("x-custom", ""),
    ("x-custom-bin", "AAE="),
    ("x-custom-bin", "!"),
    ("grpc-metadata-color", "red"),
    ("grpc-metadata-color", "caf\xe9"),
    ("grpc-metadata-data-bin", "AAE="),
    ("grpc-metadata-data-bin", "AAE"),
    ("grpc-metadata-data-bin", "!"),
    ("grpc-timeout", "5S"),
    ("grpc-timeout", "x"),
    ("grpc-timeout", "0S"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("tracestate", "a=b"),
    ("te", "trailers"),
    ("x-goog-api-key", "k"),
    ("x-forwarded-for", "10.0.0.1"),
    ("accept-encoding", "gzip"),
    ("origin", "http://side.test"),
    ("if-none-match", "x"),
    ("range", "bytes=0-1"),
)
PASSED_ON = tuple(
    sorted(
        {name for name, _ in _HEADERS if not name.startswith(("grpc-", "te")) and name != "user-agent"}
        | {"x-http-method-override"}
    )
)
"""The headers that Envoy makes metadata of and a gateway of ours may be told to."""


def error_requests() -> Iterator[Request]:
    for code, details in product(range(17), ("", "known", "unknown", "broken")):
        yield _get("error", "/do", code=code, message="because%20%C3%A9", details=details)
    for path, code in product(("/do-stream", "/do-raw", "/do-raw-stream"), (1, 3, 5, 14, 16)):
        yield _get("error", path, code=code, message="because")
        yield _get("error", path, code=code, message="because", details="known")
    yield _get("error", "/do", code=5)
    yield _get("error", "/do", code=5, message="100%25%0Aor%20so")


def stream_requests() -> Iterator[Request]:
    for path, count in product(("/do-stream", "/do-raw-stream"), (0, 1, 3)):
        yield _get("stream", path, count=count, message="m")
        yield _get("stream", path, count=count, message="m", content_type="text/plain")
        for code in (3, 14):
            yield _get("stream", path, count=count, message="m", code=code)
    for accept in _ACCEPTED:
        yield Request("stream", "GET", "/do-stream?count=2", (("accept", accept),))
        yield Request("stream", "GET", "/do?message=x", (("accept", accept),))
    for body in _UPLOADS:
        yield Request("stream", "POST", "/upload", JSON, body)
        yield Request("stream", "POST", "/chat", JSON, body)
    for body in _NODES:
        yield Request("stream", "POST", "/upload/p", JSON, body)
        yield Request("stream", "POST", "/upload/p?maybe=y", JSON, body)


def raw_requests() -> Iterator[Request]:
    for headers, body in product(
        ((), JSON, _TEXT, (("content-type", "image/png; a=b"),)), (None, b"", b"abc", b"\x00\xff{")
    ):
        for method, path in (
            ("POST", "/raw"),
            ("POST", "/raw-field/n"),
            ("PUT", "/raw-field/n"),
            ("POST", "/raw-upload"),
        ):
            yield Request("HttpBody", method, path, headers, body)
    yield Request("HttpBody", "POST", "/raw?content_type=x", _TEXT, b"abc")
    yield Request("HttpBody", "POST", "/raw-field/n?name=m", _TEXT, b"abc")
    yield Request("HttpBody", "POST", "/raw-field/n?nope=m", _TEXT, b"abc")
    yield Request("HttpBody", "POST", "/raw-field/n?raw.content_type=m", _TEXT, b"abc")
    for content_type in (
        "",
        "text/plain",
        "text/event-stream",
        "application/json",
        "text/html;%20charset=utf-8",
        "caf%C3%A9",
        "a%0Ab",
    ):
        for path in ("/do-raw", "/do-raw-stream"):
            yield _get("HttpBody", path, count=1, message="data", content_type=content_type)


def header_requests() -> Iterator[Request]:
    for header in _HEADERS:
        yield Request("header", "GET", "/literal", (header,))
    yield Request("header", "GET", "/literal", (("x-custom", "1"), ("x-custom", "2")))
    yield Request(
        "header", "POST", "/body/all", (*JSON, ("accept-encoding", "gzip")), b'{"aString":"' + b"a" * 10_000 + b'"}'
    )
    yield Request("header", "GET", "/literal", (("authorization", "a"), ("grpc-metadata-authorization", "b")))
    for metadata, code, count in product(("first", "last", "first,last"), (0, 5), (0, 1)):
        yield _get("header", "/do", metadata=metadata, code=code, count=count)
        if code or count:  # grpc.aio may lose the first metadata of a stream without messages
            yield _get("header", "/do-stream", metadata=metadata, code=code, count=count)


def _get(kind: str, path: str, **order: object) -> Request:
    return Request(
        kind, "GET", f"{path}?" + "&".join(f"{name}={value}" for name, value in order.items() if value != "")
    )
