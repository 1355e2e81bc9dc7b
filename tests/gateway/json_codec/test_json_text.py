import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelwire_gateway.json_codec import JsonError, JsonValue, dump_json, parse_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=80, deadline=None)
@given(JSON)
def test_what_is_written_reads_back(value: JsonValue) -> None:
    assert parse_json(dump_json(value)) == value
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "line 1 column 1"),
        (b" ", "line 1 column 2"),
        (b'{"a":1', "line 1 column 7"),
        (b'{\n  "a": tru\n}', "line 2 column 8"),
        (b'{"a":1}x', "line 1 column 8: Extra data"),
        (b"[1,]", "invalid JSON at line 1 column"),
        (b"{'a':1}", "line 1 column 2"),
        (b"// c\n1", "line 1 column 1"),
        (b'"a\x00b"', "line 1 column 3: Invalid control character"),
        (b"[01]", "invalid JSON"),
        (b'{"a":{"b":1,"b":2}}', 'the name "b" comes twice in one object'),
        (b'{"\\u0061":1,"a":2}', 'the name "a" comes twice'),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"-Infinity", "-Infinity is not a JSON number"),
        (b'"\xff"', "invalid UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "invalid UTF-8"),
        (b"\xef\xbb\xbf{}", "invalid JSON"),
        ('"é"'.encode("utf-16"), "invalid UTF-8"),
        (rb'["a", "\ud800"]', "line 1 column 8: lone surrogate"),
        (rb'"\uD83D\u0041"', "lone surrogate"),
        (rb'"\uDE00"', "lone surrogate"),
        (rb'{"\udfff":1}', "lone surrogate"),
        (rb'"\ud83d\ud83d\ude00"', "line 1 column 2: lone surrogate"),
        (rb'"\ud83d\ude00\ude00"', "line 1 column 14: lone surrogate"),
        (rb'"\\\\\ud83d\\\\ude00"', "line 1 column 6: lone surrogate"),
        ('"é'.encode() + rb'\ud800"', "line 1 column 3: lone surrogate"),
        (b"9" * 5000, "too many digits"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"a":' * 100_000, "is nested too deeply"),
    ],
)
def test_refuses_what_is_not_strict_json(text: bytes, reason: str) -> None:
    with pytest.raises(JsonError, match=r".") as caught:
        parse_json(text)
    assert reason in caught.value.reason
    assert caught.value.path == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\\ud800"', r"\ud800"),
        (rb'"\\\\ud800 \u00e9"', r"\\ud800 é"),
        (rb'"\\\ud83d\ude00\\ude00"', "\\😀\\ude00"),
        ('"é"'.encode(), "é"),
        (b" [ ] ", []),
        (b"-0.0", -0.0),
        (b"1e400", math.inf),  # no message takes it
    ],
)
def test_reads(text: bytes, value: JsonValue) -> None:
    assert parse_json(text) == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b"1", 1),
        (b"[]", 1),
        (b"[1,2]", 3),
        (b"[[[1]]]", 4),
        (b'{"a": 1, "b": {}}', 3),
        (b"[{},{}, [ ],[\n]]", 5),
        (rb'["a,b,[,{,\",{,", 1]', 3),
        (rb'{"k,k,k,{":"\\", "l":[",", "[[["]}', 5),
    ],
)
def test_values_are_counted_exactly_at_the_limit(text: bytes, values: int) -> None:
    padded = text + b" " * 2 * values
    parse_json(padded, max_values=values)
    if values > 1:
        with pytest.raises(JsonError, match=f"^holds more than {values - 1} values$"):
            parse_json(padded, max_values=values - 1)


def test_short_texts_cannot_slip_past_the_count() -> None:
    for text in (b"[1,1]", b"[[]]", b"[[1]]", b"[{}]"):
        for limit in range(1, 3):
            value = parse_json(text)
            count = json.dumps(value).count("1") + json.dumps(value).count("[") + json.dumps(value).count("{")
            if count > limit:
                with pytest.raises(JsonError, match="holds more than"):
                    parse_json(text, max_values=limit)


def test_strings_without_values_between_them_are_not_all_counted() -> None:
    with pytest.raises(JsonError, match="holds more than 10 values"):
        parse_json(b"[" + b"," * 11 + b'""' * 1000, max_values=10)


def test_counting_is_linear_in_an_open_string_of_quotes() -> None:
    with pytest.raises(JsonError, match=r"holds more than 10 values|line 1"):
        parse_json(b'["' + b'\\",' * 2_000_000, max_values=10)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 1.5, None, True, "é"]}, '{"a":[1,1.5,null,true,"é"]}'),
        ([2**64], "[18446744073709551616]"),
        ({"big": 2**70, "array": np.array([0.5, 1.5])}, '{"big":1180591620717411303424,"array":[0.5,1.5]}'),
        (np.array([0.5, 0.1]), "[0.5,0.1]"),
    ],
)
def test_writes_compactly(value: JsonValue, text: str) -> None:
    assert dump_json(value) == text.encode()


@pytest.mark.parametrize("value", ["\ud800", object(), {"a": {1, 2}}, [2**70, math.nan]])
def test_does_not_write_what_json_cannot_hold(value: JsonValue) -> None:
    with pytest.raises(JsonError, match="cannot be written as JSON"):
        dump_json(value)
