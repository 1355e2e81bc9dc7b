"""Requests about what a query binds."""

from collections.abc import Iterator

from side_by_side.exchange import JSON, Request
from side_by_side.words import words

_INTEGERS = words(
    """
    0 1 -1 2147483647 2147483648 -2147483649 4294967295 1.0 1.5 1e3 %2B1 01 %201 x 0x10 9223372036854775807
    9223372036854775808 NaN true null 1_000
""",
    "",
)
_NUMBERS = words(
    """
    1.5 -0 1e400 1e39 NaN Infinity -Infinity inf nan .5 5. 0.1 1e-3 x %201 1,5 0x1p3
""",
    "",
)
_VALUES = {
    "a_double": _NUMBERS,
    "a_float": _NUMBERS,
    "an_int32": _INTEGERS,
    "an_int64": _INTEGERS,
    "a_uint32": _INTEGERS,
    "a_uint64": ("18446744073709551615", "18446744073709551616", "-1", "1.0", "x"),
    "a_sint32": ("-5", "x"),
    "a_sint64": ("-5", "x"),
    "a_fixed32": ("5", "-5"),
    "a_fixed64": ("5", "-5"),
    "an_sfixed32": ("-5", "x"),
    "an_sfixed64": ("-5", "x"),
    "a_bool": ("true", "false", "1", "0", "True", "TRUE", "yes", "t", "", "null"),
    "a_string": words(
        """
        x a+b a%20b %2B %C3%A9 %22x%22 null 1 true a%00b a%0Ab a=b a%26b a/b a?b a:b %zz % %2 %FF %ED%A0%80
        %F0%9F%98%80 a;b {} a%25b %2525
    """,
        "",
    ),
    "some_bytes": words(
        """
        AAE= AAE AAE%3D -_8= -_8 %2B/8= +/8= ! A AA AAA=A AA= A%20A=
    """,
        "",
    ),
    "color": words(
        """
        RED red Red 1 5 7 -1 1.0 NOPE COLOR_UNSPECIFIED DARK_BLUE dark-blue darkBlue
    """,
        "",
    ),
    "maybe": ("", "x"),
    "time": words(
        """
        2024-01-02T03:04:05Z 2024-01-02T03:04:05.123456789Z 2024-01-02T03:04:05%2B01:00 2024-01-02T03:04:05
        2024-01-02 1704164645 0001-01-01T00:00:00Z 9999-12-31T23:59:59.999999999Z 10000-01-01T00:00:00Z
        2024-01-02t03:04:05z 2024-02-30T00:00:00Z 2024-01-02T03:04:05.1234567891Z 2024-01-02T03:04:60Z
    """,
        "",
    ),
    "duration": words(
        """
        1s 1.5s -1.5s -0.5s 0s 1 1.5 1.0000000001s 315576000001s s .5s 1S %2B1s
    """,
        "",
    ),
    "mask": ("a", "a,b.c", "aString", "a_string", "", "a,,b", "a%20b"),
    "int64_wrapped": ("5", "x", "", "9007199254740993"),
    "string_wrapped": ("", "x"),
    "bool_wrapped": ("true", "x"),
    "double_wrapped": ("NaN", "1.5"),
    "bytes_wrapped": ("AAE=",),
    "struct": ("%7B%7D", "%7B%22a%22:1%7D", "x", ""),
    "struct.a": ("1",),
    "struct.fields.a": ("1",),
    "value": ("5", "x", "%22x%22", "null", "true", "%7B%7D"),
    "list": ("%5B1%5D", "1"),
    "any": ("x",),
    "any.type_url": ("x",),
    "empty": ("", "x"),
    "time.seconds": ("5",),
    "int64_wrapped.value": ("5",),
    "mask.paths": ("a",),
    "node": ("", "x", "%7B%22name%22:%22x%22%7D"),
    "sizes": ("1",),
    "sizes.a": ("1",),
    "sizes[a]": ("1",),
    "by_number.1.name": ("x",),
    "raw.data": ("AAE=",),
    "raw.content_type": ("text/plain",),
}
_NAMES = words(
    """
    aString otherName renamed other_name a_String A_STRING astring anInt32 node.name node.next.name
    node.next.next.size both.name node.nope node. .node a_string.x nodes.name nodes[0].name nodes.0.name
    a%5Fstring node%2Ename 14 [side.v1.x] nope nope.nope api_key
""",
    "",
)
_COMBINATIONS = words("""
    numbers=1&numbers=2 numbers=1,2 numbers=1&numbers=x numbers= words=a&words=b&words= words=b&words=a
    colors=RED&colors=5 colors=RED,DARK_BLUE times=2024-01-02T03:04:05Z&times=2025-01-02T03:04:05Z nodes=x
    node.tags=a&node.tags=b node.name=a&node.size=5&node.next.name=b words=a&a_string=x&words=b
    a_string=1&a_string=2 a_string=1&aString=2 a_string=1&a_string=1 node.name=a&node.name=b
    an_int32=1&an_int32=0 left=x&right=5 right=5&left=x left=x&both.name=y both.name=x&both.size=5 left= right=0
    a_string a_string= =x = && a_string=x& &a_string=x a_string=x&&maybe=y a_string=x;maybe=y nope alt=json
    $alt=json alt=proto key=k $key=k prettyPrint=true fields=a callback=x quotaUser=x a_string=x?maybe=y
    ?a_string=x a_string=x&nope=1 aString=x&an_int64=5&node.name=z&words=a
""")
_AGAINST_THE_PATH = words("""
    /v/x?a_string=y /v/x?aString=y /v/x?maybe=y /deep/x?node.next.name=y /deep/x?node.name=y
    /deep/x?node.next.size=5 /left/x?right=5 /left/x?left=y /left/x?both.name=y /pair/a/b?node.size=5
    /int32/5?an_int32=6 /time/2024-01-02T03:04:05Z?time=2025-01-02T03:04:05Z
""")
_AGAINST_THE_BODY = (
    ("/body/all?maybe=y", b'{"aString":"x"}'),
    ("/body/all?a_string=y", b'{"aString":"x"}'),
    ("/body/all?nope=y", b"{}"),
    ("/body/node?a_string=y", b'{"name":"x"}'),
    ("/body/node?node.name=y", b'{"name":"x"}'),
    ("/body/node?node.size=5", b'{"name":"x"}'),
    ("/body/node?both.name=y", b'{"name":"x"}'),
    ("/body/string?a_string=y", b'"x"'),
    ("/body/string?maybe=y", b'"x"'),
    ("/body/numbers?numbers=3", b"[1,2]"),
    ("/body/none?a_string=y", b""),
    ("/body/node-bound/p?node.name=y", b"{}"),
)


def query_requests() -> Iterator[Request]:
    for name, values in _VALUES.items():
        for value in values:
            yield Request("query", "GET", f"/literal?{name}={value}")
    for name in _NAMES:
        yield Request("query", "GET", f"/literal?{name}=1")
    for query in _COMBINATIONS:
        yield Request("query", "GET", f"/literal?{query}")
    for target in _AGAINST_THE_PATH:
        yield Request("query", "GET", target)
    for target, body in _AGAINST_THE_BODY:
        yield Request("query", "POST", target, JSON, body)
