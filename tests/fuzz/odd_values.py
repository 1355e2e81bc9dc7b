"""What parsers are known to stumble over, by where it may stand."""

from typing import Final

from fuzz.requests import Header

ODD_JSON: Final = (
    b"null", b"true", b"{}", b"[]", b'""', b"-0", b"-", b"01", b"1.", b".5", b"1e5", b"1e400", b"1e-400", b"9" * 400,
    b"1" + b"0" * 5000, b'"%s"' % (b"9" * 400), b"0." + b"1" * 400, b"1e999999999", b"18446744073709551616",
    b"-9223372036854775809", b"2147483648", b"1.5", b"NaN", b"Infinity", b'"NaN"', b'"Infinity"', b'"inf"',
    b'"\\ud800"', b'"\\ud83d\\ude42"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\x00"', b'"\xff\xfe"', b'"\xed\xa0\x80"',
    b'"\xc0\xaf"', b'"\\x"', b'"', b"'a'", b'"2024-02-30T00:00:00Z"', b'"2024-01-01T00:00:00.0000000001Z"',
    b'"10000-01-01T00:00:00Z"', b'"0000-01-01T00:00:00Z"', b'"99999999999999s"', b'"1s "', b'"+1s"', b'"=="',
    b'"YQ="', b'"a b"', b'"RED"', b'"red"', b"-2", b'{"@type":"type.googleapis.com/fuzz.Every","name":1}',
    b'{"@type":"type.googleapis.com/fuzz.Every","any":{"@type":"x/fuzz.Every"}}', b'{"@type":""}', b'{"@type":7}',
    b'{"@type":"type.googleapis.com/no.Such"}', b'{"@type":"a/fuzz.Every","@type":"b/fuzz.Every"}',
    b'{"value":1}', b"/* c */1", b"[1,]", b"[,]", b'{"a":1,}', b'{"a" 1}', b"{1:2}", b'{"a":1,"a":2}',
    b"[" * 150 + b"]" * 150, b"[" * 100_000, b'{"a":' * 150 + b"1" + b"}" * 150, b'{"child":' * 99 + b"{}" + b"}" * 99,
    b'{"child":' * 200 + b"{}" + b"}" * 200, b'{"middle":{"child":' * 3000, b"[%s0]" % (b"0," * 20_000),
    b'{"%s":1}' % (b"k" * 70_000), b'"%s"' % (b"\\u00e9" * 20_000), b"[%s1]" % (b"1.5," * 5000),
    b'{"struct":{"fields":{"a":{"listValue":[]}}}}', b"[[],{},[{}]]", b'[null,null]', b'{"":null}',
)  # fmt: skip
"""JSON values, and what is none."""

ODD_BYTES: Final = (
    b"\x00",
    b"\xff",
    b"\x80",
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b'"',
    b"\\",
    b"{",
    b"]",
    b"%",
    b"\xef\xbb\xbf",
)
ODD_SEGMENTS: Final = (
    b"", b".", b"..", b"%2F", b"%2f%2F", b"%00", b"%", b"%zz", b"%ff", b"%c0%af", b"%ed%a0%80", b"%25%32%46", b"a:b",
    b":", b"a:touch", b"x:keep", b"*", b"**", b"{name}", b"%7Bname%7D", b";a=b", b"~", b"+", b"a" * 5000, b"%41" * 3000,
    b"\xc3\xa9", b"\xff", b"[", b"|", b'"', b"<", b"^", b"`", b"things", b"v1", b"parts", b"9" * 30, b"-0", b"1e3",
    b"RED",
)  # fmt: skip
ODD_QUERIES: Final = (
    b"", b"&", b"=", b"&&&=&", b"a", b"a=b=c", b"name", b"name=a&name=b", b"tags=a&tags=b&tags=", b"%zz=1", b"name=%ff",
    b"child.name=x", b"child.child.child.child.name=x", b"child.count=1&child.count=2", b"child=1", b"child.=1", b".=1",
    b"child..name=1", b"child." * 500 + b"name=1", b"children.name=1", b"by_number=1", b"by_number.1=2", b"labels[a]=b",
    b"struct=%7B%7D", b"struct.fields=1", b"value=1", b"any.value=1", b"at=2024-01-01T00:00:00Z", b"at.seconds=1",
    b"mask=a,b", b"boxed_big=1&boxedBig=2", b"boxed_big.value=1", b"left=a&right=true", b"none=NULL_VALUE", b"color=7",
    b"count=99999999999", b"count=1e2", b"count=+1", b"count=0x10", b"exact=nan", b"exact=Infinity", b"flag=TRUE",
    b"blob=%%%", b"blob=_-_-", b"raw.data=YQ==&raw.content_type=text/event-stream", b"raw.content_type=a%0D%0Ab:c",
    b"raw.content_type=%00", b"alt=json", b"alt=sse", b"alt=media", b"$alt=sse", b"alt=sse&$alt=sse", b"prettyPrint=1",
    b"prettyPrint=true", b"fields=name", b"callback=f", b"key=", b"key=%00", b"quotaUser=x", b"$.xgafv=1",
    b"counts=1&" * 2000, b"x=%F0%9F%99%82", b"q=" + b"a" * 20_000, b"alias=1&renamed=2", b"?", b"#", b"name=a;b=c",
)  # fmt: skip
ODD_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-type", b""), (b"content-type", b"text/plain"), (b"content-type", b"application/json; charset=utf-16"),
    (b"content-type", b"application/json;;=;charset"), (b"content-type", b"application/x-ndjson"),
    (b"content-type", b"application/vnd.api+json; charset=\"UTF-8\""), (b"content-type", b"\xff"),
    (b"content-type", b"application/grpc"), (b"content-type", b"multipart/form-data; boundary=x"),
    (b"content-encoding", b"gzip"), (b"content-encoding", b"identity"), (b"accept", b"*/*;q=2"), (b"accept", b",;q=,"),
    (b"accept", b"text/event-stream;q=0"), (b"accept", b"text/html," * 2000), (b"accept-encoding", b"gzip;q=0"),
    (b"accept-encoding", b"gzip;q=x, zstd, br, *;q=0"), (b"accept-encoding", b"*"), (b"te", b"trailers;q=0, deflate"),
    (b"grpc-timeout", b"0m"), (b"grpc-timeout", b"1n"), (b"grpc-timeout", b"3m"), (b"grpc-timeout", b"99999999H"),
    (b"grpc-timeout", b"-1S"), (b"grpc-timeout", b"1"), (b"grpc-timeout", b"\xb2S"), (b"grpc-timeout", b"1S, 2S"),
    (b"grpc-metadata-", b"a"), (b"grpc-metadata-a", b"\xff"), (b"grpc-metadata-a b", b"c"), (b"grpc-metadata-te", b"x"),
    (b"grpc-metadata-grpc-status", b"0"), (b"grpc-metadata-:path", b"/"), (b"grpc-metadata-x-bin", b"!"),
    (b"grpc-metadata-x-echo-bin", b"YQ, Yg==,,"), (b"grpc-metadata-x-echo", b"x" * 30_000),
    (b"grpc-metadata-x-echo", b""),
    (b"Grpc-Metadata-Content-Length", b"7"), (b"grpc-metadata-authorization", b"Bearer b"), (b"grpc-encoding", b"gzip"),
    (b"grpc-metadata-x-echo", b" \t spaces \t "), (b"grpc-metadata-user-agent", b"me"), (b"grpc-metadata-host", b"a"),
    (b"x-request-id", b""), (b"x-request-id", b"a b"), (b"x-request-id", b"x" * 5000), (b"x-request-id", b"\xe9"),
    (b"x-http-method-override", b"DELETE"), (b"traceparent", b"\x80"), (b"tracestate", b"a=" + b"b" * 9000),
    (b"authorization", b"\xff\xfe"), (b"authorization", b""), (b"cookie", b"a=b; c"), (b"range", b"bytes=0-1"),
    (b"if-none-match", b"*"), (b"origin", b"null"), (b"origin", b"\xff"), (b"access-control-request-method", b"PUT"),
    (b"forwarded", b"for=1"), (b"x-forwarded-proto", b"gopher"), (b"a" * 3000, b"b"), (b"x", b"y" * 50_000),
)  # fmt: skip
FRAMING_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-length", b"0"), (b"content-length", b"5"), (b"content-length", b"-1"), (b"content-length", b"+3"),
    (b"content-length", b"99999999999999999999999"), (b"content-length", b"1, 1"), (b"content-length", b"\xb2"),
    (b"content-length", b""), (b"content-length", b"33554433"), (b"transfer-encoding", b"chunked"),
    (b"transfer-encoding", b"gzip, chunked"), (b"transfer-encoding", b"chunked, chunked"), (b"transfer-encoding", b"x"),
    (b"transfer-encoding", b"identity"), (b"transfer-encoding", b"\x0bchunked"), (b"connection", b"close"),
    (b"connection", b"upgrade"), (b"connection", b"keep-alive, close"), (b"connection", b"content-length"),
    (b"upgrade", b"websocket"), (b"upgrade", b"h2c"), (b"http2-settings", b"AAMAAABkAAQAAP__"),
    (b"expect", b"100-continue"),
    (b"expect", b"200-ok"), (b"host", b"b"), (b"host", b"a b"), (b"x\x00", b"y"), (b"x", b"a\x00b"), (b"x", b"a\r\n b"),
    (b"x ", b"y"), (b"", b""), (b"x", b"a\nb: c"), (b"x", b"a\rb"), (b"\xff", b"y"), (b"x", b"y" * 70_000),
)  # fmt: skip
ODD_METHODS: Final = (
    b"HEAD",
    b"OPTIONS",
    b"DELETE",
    b"PUT",
    b"PATCH",
    b"TRACE",
    b"get",
    b"PROPFIND",
    b"REPORT",
    b"QUERY",
)
FRAMING_METHODS: Final = (b"CONNECT", b"PRI", b"G\x00T", b"", b"A" * 5000, b"SOURCE", b"FOO", b"\xff")
ODD_VERSIONS: Final = (
    b"HTTP/1.0",
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"HTTP/1.10",
    b"http/1.1",
    b"HTTP/1.1 x",
    b"",
)
ODD_CODINGS: Final = ("utf-16", "utf-32", "utf-8-sig", "latin-1", "utf-7", "cp037")
