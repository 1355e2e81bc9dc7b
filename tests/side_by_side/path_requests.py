"""Requests about which route a path leads to, and what it binds."""

from collections.abc import Iterator
from itertools import product

from side_by_side.exchange import JSON, Request
from side_by_side.words import words

_PLACES = ("/v/{}", "/pair/{}/z", "/m/shelves/{}/books/1", "/files/{}", "/tail/{}/end", "/deep/{}")
_SEGMENTS = words("""
    abc a.b a-b_c~d .a ... 1 null %61bc a%20b a+b a%2Bb a%2Fb a%2fb %2F a%252Fb %25 a%2525b %C3%A9 %E2%82%AC
    %F0%9F%98%80 e%CC%81 a%00b a%0Ab %7F a:b a%3Ab a:b:c ft:base:org : a: a%3A x:act a:b:act x%3Aact :act
    x:ac%74 x:read x:move a;b=c a,b a@b a$b a&b=c a!b (a) 'a' a=b * ** %7Ba%7D [a] a|b %zz % %2 a% %FF %C3
    %C3%28 %ED%A0%80
""")
_SHAPES = words("""
    / // /literal /literal/ /literal// //literal /LITERAL /liter%61l /literal%2F /literal%20
    /literal/with%20space /literal/with+space /./literal /v/../literal /%2E/literal /literal/. /v /v/ /v//
    /v//more /v/x/ /v/x/more /v/x/more/ /v/x/less /v/x/more/more /pair/a/b /pair/a/ /pair//b /pair// /pair/a
    /pair/a/b/c /m/shelves/1 /m/shelves/1/ /m/shelves/ /m/shelves /m/books/1 /m/shelves/1/books/2
    /m/shelves/1/books /m/shelves/1/books/ /m/shelves/1/books/2/3 /m/shelves%2F1 /m/shelves//books/2
    /m/shelv%65s/1 /m/shelves/a%2Fb/books/c%2Fd /m/shelves/1:move /m/shelves/1/books/2:move /files /files/
    /files// /files/a /files/a/ /files/a/b/c /files/a//b /files//a /files/a%2Fb/c /files/a:read /files/a/b:read
    /files/:read /files:read /files/a:read/b /files/a%3Aread /files/a/:read /tail/end /tail//end /tail/a/end
    /tail/a/b/end /tail/end/end /tail/a/end/ /tail/a /tail/a/en%64 /under/top /under/top/ /under/top/a
    /under/top/a/b /under/other/a /under /under/top/a%2Fb /pick/exact /pick/exact/x/1 /pick/exact/x/2
    /pick/exact/x/3 /pick/exact/x /pick/other /pick/a/x/1 /pick/a/x/2 /pick/a/b/c/d /pick /pick/ /pick//
    /pick/exac%74 /pick/exact/ /pick/exact:act /side.v1.Echo/Literal /side.v1.Echo/Unannotated /nope
    /literal/nope /v:act /v/x:act/more
""")
_TYPED = {
    "int32": ("0", "5", "-5", "2147483647", "2147483648", "1.0", "1e2", "x", "%205", "0x5", "05"),
    "uint64": ("18446744073709551615", "18446744073709551616", "-1"),
    "double": ("1.5", "1e400", "NaN", "-Infinity", "inf", "x"),
    "bool": ("true", "false", "1", "TRUE", "x"),
    "bytes": ("AAE=", "AAE", "-_8", "%2B%2F8%3D", "!", "A"),
    "color": ("RED", "red", "1", "7", "NOPE", "COLOR_UNSPECIFIED"),
    "maybe": ("x", "%20"),
    "left": ("x",),
    "time": ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.5%2B01:00", "yesterday"),
    "wrapped": ("5", "x"),
}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "TRACE")
_MANY_WAYS = ("/literal", "/v/x", "/custom", "/any", "/pick/exact", "/nope")


def path_requests() -> Iterator[Request]:
    for place, segment in product(_PLACES, _SEGMENTS):
        yield Request("path", "GET", place.format(segment))
    for path in _SHAPES:
        yield Request("path", "GET", path)
    for place, values in _TYPED.items():
        for value in values:
            yield Request("path", "GET", f"/{place}/{value}")
    yield Request("path", "GET", "/files/" + "a/" * 500 + "end")
    yield Request("path", "GET", "/v/" + "a" * 4000)


def method_requests() -> Iterator[Request]:
    for path, method in product(_MANY_WAYS, _METHODS):
        yield Request("method", method, path)
    for path in ("/literal", "/v/x", "/m/shelves/1:move"):
        yield Request("method", "POST", path, JSON, b"{}")
    yield Request("method", "POST", "/literal", (("x-http-method-override", "GET"),))
    yield Request("method", "get", "/literal")
