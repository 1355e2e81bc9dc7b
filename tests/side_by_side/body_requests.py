"""Requests about what a JSON body becomes."""

from collections.abc import Iterator

from side_by_side.exchange import JSON, Request
from side_by_side.words import words

_INTEGERS = words(
    """
    0 1 "1" -1 1.0 1e3 "1e3" "1.0" 1.5 "x" "" true null 2147483648 [] {} "NaN" -0 "01" 9223372036854775807
    9007199254740993 "9007199254740993" 18446744073709551616 1e30
""",
    '" 1"',
)
_NUMBERS = words("""
    0 -0.0 0.1 1.5 "1.5" 1e39 1e400 "1e400" "NaN" "Infinity" "-Infinity" NaN "inf" "x" "" true null 3.4028235e38
    5e-324 123456789012345678
""")
_VALUES = {
    "aDouble": _NUMBERS,
    "aFloat": _NUMBERS,
    "anInt32": _INTEGERS,
    "anInt64": _INTEGERS,
    "aUint32": _INTEGERS,
    "aUint64": ("18446744073709551615", '"18446744073709551615"', "18446744073709551616", "-1", "1.0"),
    "aSint32": ("-5",),
    "aSint64": ('"-5"',),
    "aFixed32": ("5",),
    "aFixed64": ('"5"',),
    "anSfixed32": ("-5",),
    "anSfixed64": ('"-5"',),
    "aBool": ("true", "false", '"true"', '"false"', "1", "0", '"x"', "null", '"TRUE"', "[]"),
    "aString": words(
        r"""
        "x" "" null 1 1.5 true [] {} "\u00e9" "\ud83d\ude00" "\ud800" "\udc00x" "\u0000" "\n\t\"\\" "\x"
        "\u2028" "<&>"
    """,
        '"a\nb"',
        '"\x7f"',
        '"é"',
    ),
    "someBytes": words(
        """
        "AAE=" "AAE" "-_8=" "-_8" "+/8=" "+_8=" "!" "A" "AA" "" null 1 "AAE==" "AB=="
    """,
        '"AA E="',
    ),
    "color": words("""
        "RED" "red" 1 "1" 7 -1 1.0 1.5 "NOPE" null true "" 2147483648
    """),
    "maybe": ('""', "null", '"x"'),
    "numbers": ("[]", "[1,2]", '[1,"2"]', "null", "1", "[null]", "[[1]]", "{}", "[1.5]", "[1,]", '"1"'),
    "words": ('["a",""]', "[1]", "[null]"),
    "colors": ('["RED",5,7]', '["NOPE"]', "[null]"),
    "nodes": ('[{"name":"a"},{}]', "[null]", '{"name":"a"}', "[[]]", '[{"nope":1}]', '["x"]'),
    "sizes": words("""
        {"a":1,"b":2} {"a":null} {"a":"1"} {"":0} null [] {"a":1,"a":2} {"b":1,"a":2}
    """),
    "byNumber": words("""
        {"1":{"name":"a"}} {"x":{}} {"1.0":{}} {"-0":{}} {"2147483648":{}} {"1":null}
    """),
    "node": words("""
        {} {"name":"a","next":{"size":5}} null [] "x" 1 {"nope":1} {"tags":["a"]}
    """),
    "left": ('"x"', "null", '""'),
    "time": words(
        """
        "2024-01-02T03:04:05Z" "2024-01-02T03:04:05.120Z" "2024-01-02T03:04:05.000000001Z"
        "2024-01-02T03:04:05+01:00" "2024-01-02T03:04:05" "0000-01-01T00:00:00Z" "10000-01-01T00:00:00Z" null 1
        {"seconds":5} "2024-02-30T00:00:00Z" "2023-02-29T00:00:00Z" "2024-01-02T24:00:00Z"
        "2024-01-02T03:04:05.1234567891Z"
    """,
        '"2024-01-02 03:04:05Z"',
    ),
    "duration": words("""
        "1.5s" "-0.5s" "0.000000001s" "1.5" "315576000001s" null 1 {"seconds":5} "1.s" "1e3s" "1m"
    """),
    "mask": ('"aString,node.name"', '"a_string"', '""', "null", '["a"]', '"a,,b"', '"A"'),
    "struct": words("""
        {} {"b":1,"a":[1,null,true,{"z":1,"y":2}],"c":{}} null [] {"a":1,"a":2} {"a":1e400}
        {"a":9007199254740993} {"fields":{"a":1}} "x"
    """),
    "value": ("null", "1", '"x"', "[]", "{}", "true", "1.0", "1e3", '{"b":1,"a":2}', "[[[1]]]"),
    "list": ("[]", '[1,"a",null,[],{}]', "null", "{}", "1"),
    "any": words("""
        {"@type":"type.googleapis.com/side.v1.Node","name":"x"}
        {"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}
        {"name":"x","@type":"type.googleapis.com/side.v1.Node"} {"@type":"type.googleapis.com/nope.Nope"} {}
        null {"name":"x"} {"@type":"side.v1.Node"} {"@type":1} {"@type":"other.host/side.v1.Node","name":"x"}
        {"@type":"type.googleapis.com/side.v1.Node","nope":"x"}
        {"@type":"type.googleapis.com/google.protobuf.Struct","value":{"a":1}}
    """),
    "empty": ("{}", "null", '{"a":1}', "[]"),
    "int64Wrapped": ("5", '"5"', "null", '"x"', '{"value":5}'),
    "stringWrapped": ('"x"', "null", '""', "1"),
    "boolWrapped": ("true", "false", "null", '"true"'),
    "doubleWrapped": ('"NaN"', "1"),
    "bytesWrapped": ('"AAE="', '""'),
    "times": ('["2024-01-02T03:04:05Z"]', "[null]"),
    "raw": (
        '{"contentType":"text/plain","data":"AAE="}',
        '{"extensions":[{"@type":"type.googleapis.com/side.v1.Node"}]}',
    ),
}
_DOCUMENTS = (
    *(b"", b" ", b"{}", b" {} ", b"\n{}\n", b"{", b"}", b"[]", b"[{}]", b'"x"', b"null", b"1", b"true", b"{}{}",
        b"{} x", b"{},"),
    *(b'{"aString":"x"', b'{"aString":"x",}', b'{"aString" "x"}', b"{'aString':'x'}", b'{aString:"x"}',
        b'{"aString":}', b'{"aString"}'),
    *(b'{"aString":"x"} // no', b'/* no */{"aString":"x"}', b'\xef\xbb\xbf{"aString":"x"}', b'{"aString":"\xff"}',
        b'{"aString":"\xc3\x28"}'),
    *(b'{"anInt32":01}', b'{"anInt32":+1}', b'{"anInt32":0x1}', b'{"anInt32":.5}', b'{"anInt32":1.}',
        b'{"aDouble":.5}', b'{"aDouble":-}'),
    *(b'{"nope":1}', b'{"nope":{"a":[1]}}', b'{"aString":"x","nope":null}', b'{"AString":"x"}', b'{"a_String":"x"}'),
    *(b'{"a_string":"x"}', b'{"otherName":"x"}', b'{"renamed":"x"}', b'{"other_name":"x"}',
        b'{"an_int32":5,"node":{"name":"a"}}'),
    *(b'{"aString":"x","aString":"y"}', b'{"aString":"x","a_string":"y"}',
        b'{"node":{"name":"a"},"node":{"size":5}}', b'{"numbers":[1],"numbers":[2]}'),
    *(b'{"left":"x","right":5}', b'{"left":"x","right":null}', b'{"left":"x","both":{}}', b'{"both":{"name":"x"}}'),
    *(b'{"aString":null,"anInt32":null,"node":null,"numbers":null}', b'{"[side.v1.x]":1}', b'{"aString":tru}',
        b'{"aBool":nul}', b'{"aBool":True}'),
    *(b'{"node":' + b'{"next":' * depth + b"{}" + b"}" * depth + b"}" for depth in (10, 30, 60, 97, 98, 99, 105,
        200)),
    *(b'{"value":' + b"[" * depth + b"]" * depth + b"}" for depth in (10, 30, 45, 60, 97, 110)),
    *(b'{"struct":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}" for depth in (10, 30, 40, 60, 110)),
    b'{"aString":"' + b"a" * 100_000 + b'"}',
    b'{"numbers":[' + b",".join(b"%d" % n for n in range(10_000)) + b"]}",
)  # fmt: skip
_ROOTS = {
    "/body/node": (b"{}", b'{"name":"x"}', b"", b"null", b"[]", b'{"nope":1}', b'"x"', b'{"node":{"name":"x"}}'),
    "/body/string": (b'"x"', b'""', b"", b"x", b"1", b"null", b'{"a_string":"x"}', b'"x" "y"'),
    "/body/numbers": (b"[1,2]", b"[]", b"", b"1", b'["1"]', b"null", b"[x]", b"{}"),
    "/body/nodes": (b'[{"name":"a"},{"name":"b"}]', b"[]", b"", b"{}", b"[1]"),
    "/body/sizes": (b'{"a":1}', b"{}", b"", b"[]", b'{"a":"x"}'),
    "/body/struct": (b'{"b":1,"a":2}', b"{}", b"", b"[]"),
    "/body/value": (b"5", b"null", b'"x"', b"[1]", b""),
    "/body/time": (b'"2024-01-02T03:04:05Z"', b"", b"5"),
    "/body/none": (b"", b"{}", b'{"aString":"x"}', b"x"),
    "/body/bound/p": (b"{}", b"", b'{"aString":"b"}', b'{"a_string":"b"}', b'{"maybe":"b"}', b'{"aString":null}'),
    "/body/node-bound/p": (b"{}", b"", b'{"name":"b"}', b'{"size":5}', b'{"next":{"name":"b"}}'),
}
_TYPES = (
    *("application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8",
        "application/json; charset=latin1"),
    *("application/vnd.api+json", "text/json", "text/plain", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "application/xml"),
    *("application/octet-stream", "*/*", "json", "", "application/grpc", "application/grpc+json",
        "application/grpc-web"),
)  # fmt: skip


def body_requests() -> Iterator[Request]:
    for name, values in _VALUES.items():
        for value in values:
            yield _post("/body/all", f'{{"{name}":{value}}}'.encode())
    for document in _DOCUMENTS:
        yield _post("/body/all", document)
    for path, bodies in _ROOTS.items():
        for body in bodies:
            yield _post(path, body)
    for content_type in _TYPES:
        yield Request("content type", "POST", "/body/all", (("content-type", content_type),), b'{"aString":"x"}')
    yield Request("content type", "POST", "/body/all", (), b'{"aString":"x"}')
    yield Request("content type", "POST", "/body/all")
    yield Request("body", "GET", "/literal", JSON, b"{}")
    yield Request("body", "GET", "/literal", JSON, b"")
    yield Request("body", "DELETE", "/v/x", JSON, b"{}")
    yield Request("body", "PATCH", "/v/x", JSON, b'{"name":"a"}')
    yield Request("body", "PUT", "/v/x", JSON, b'{"maybe":"a"}')


def _post(path: str, body: bytes) -> Request:
    return Request("body", "POST", path, JSON, body)
