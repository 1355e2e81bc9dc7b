"""Streams of JSON values, cut at every place and in every way."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelwire_gateway.json_codec import JsonError
from modelwire_gateway.requests.json_sequence import Cutter, JsonRecords, JsonSequence

NewCutter = Callable[[], Cutter]


def lines() -> Cutter:
    return JsonRecords(b"\n")


def records() -> Cutter:
    return JsonRecords(b"\x1e")


def cut(cutter: Cutter, pieces: Iterable[bytes]) -> list[bytes]:
    """The elements of a whole text."""
    elements = [element for piece in pieces for element in cutter.feed(piece)]
    return elements + list(cutter.finish())


def outcome(cutter: Cutter, pieces: Iterable[bytes]) -> list[bytes] | str:
    """The elements, or what is wrong with the text."""
    try:
        return cut(cutter, pieces)
    except JsonError as error:
        return str(error)


def splits(text: bytes) -> list[list[bytes]]:
    """The text in two pieces, in every way, and byte by byte."""
    return [[text[:at], text[at:]] for at in range(len(text) + 1)] + [[bytes([byte]) for byte in text]]


WHOLE: list[tuple[NewCutter, bytes, list[bytes]]] = [
    (JsonSequence, b"", []),
    (JsonSequence, b" \r\n\t", []),
    (JsonSequence, b"[]", []),
    (JsonSequence, b" [ ] \n", []),
    (JsonSequence, b"[1]", [b"1"]),
    (JsonSequence, b'[{"a":1},{"a":2}]', [b'{"a":1}', b'{"a":2}']),
    (JsonSequence, b'\n[ {} ,\t"x" , -1.5e3,true , null,[ ] ]\r\n',
     [b"{}", b'"x"', b"-1.5e3", b"true", b"null", b"[ ]"]),
    (JsonSequence, b"[[1,2],[[],{}],[]]", [b"[1,2]", b"[[],{}]", b"[]"]),
    (JsonSequence, rb'["\"","\\","]","\\\"[{","",{"}\"]":"[\\"}]',
     [rb'"\""', rb'"\\"', b'"]"', rb'"\\\"[{"', b'""', rb'{"}\"]":"[\\"}']),
    (JsonSequence, '["\u00fc\u20ac\U0001f600"]'.encode(), ['"\u00fc\u20ac\U0001f600"'.encode()]),
    (JsonSequence, b'{"a":[1,{"b":"}"}]} {"a":2}\n3 true"x"{}{}',
     [b'{"a":[1,{"b":"}"}]}', b'{"a":2}', b"3", b"true", b'"x"', b"{}", b"{}"]),
    (JsonSequence, b"12 34", [b"12", b"34"]),
    (JsonSequence, b"{}\n", [b"{}"]),
    (JsonSequence, b"{}[1,2]", [b"{}", b"[1,2]"]),
    (lines, b"", []),
    (lines, b'{"a":1}\n{"a":"\\n"}\n', [b'{"a":1}', b'{"a":"\\n"}']),
    (lines, b'\n \r\n{"a":1}\r\n\n 2 \n3', [b'{"a":1}', b"2", b"3"]),
    (records, b'\x1e{"a":\n1}\n\x1e\x1e2\n\x1e3\n', [b'{"a":\n1}', b"2", b"3"]),
]  # fmt: skip


@pytest.mark.parametrize(("cutter", "text", "elements"), WHOLE)
def test_the_elements_are_the_same_wherever_the_text_is_split(
    cutter: NewCutter, text: bytes, elements: list[bytes]
) -> None:
    assert all(cut(cutter(), pieces) == elements for pieces in splits(text))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"[", "[0]: invalid JSON at byte 1 of the body: a value or ']' is expected, not the end"),
        (b"[1", "[0]: invalid JSON at byte 2 of the body: the end comes inside a value"),
        (b'["a', "[0]: invalid JSON at byte 3 of the body: the end comes inside a value"),
        (b'{"a":1', "[0]: invalid JSON at byte 6 of the body: the end comes inside a value"),
        (b"[1,", "[1]: invalid JSON at byte 3 of the body: a value is expected, not the end"),
        (b"[{} ", "[1]: invalid JSON at byte 4 of the body: ',' or ']' is expected, not the end"),
        (b"[{}\n{}]", "[1]: invalid JSON at byte 4 of the body: ',' or ']' is expected, not '{'"),
        (b"[1 2]", "[1]: invalid JSON at byte 3 of the body: ',' or ']' is expected, not '2'"),
        (b"[{}}", "[1]: invalid JSON at byte 3 of the body: ',' or ']' is expected, not '}'"),
        (b"[1:2]", "[1]: invalid JSON at byte 2 of the body: ',' or ']' is expected, not ':'"),
        (b"[,1]", "[0]: invalid JSON at byte 1 of the body: a value or ']' is expected, not ','"),
        (b"[1,]", "[1]: invalid JSON at byte 3 of the body: a value is expected, not ']'"),
        (b"[1,,2]", "[1]: invalid JSON at byte 3 of the body: a value is expected, not ','"),
        (b"[1] 2", "[1]: invalid JSON at byte 4 of the body: nothing is expected, not '2'"),
        (b"[][]", "[0]: invalid JSON at byte 2 of the body: nothing is expected, not '['"),
        (b"{},{}", "[1]: invalid JSON at byte 2 of the body: a value is expected, not ','"),
        (b"NaN", "[0]: invalid JSON at byte 0 of the body: a value is expected, not 'N'"),
        (b"\xef\xbb\xbf{}", "[0]: invalid JSON at byte 0 of the body: a value is expected, not byte 0xef"),
        (b"\x00", "[0]: invalid JSON at byte 0 of the body: a value is expected, not '\\x00'"),
    ],
)
def test_a_text_that_is_none_is_told_from_the_same_place_wherever_it_is_split(text: bytes, complaint: str) -> None:
    assert {str(outcome(JsonSequence(), pieces)) for pieces in splits(text)} == {complaint}


@pytest.mark.parametrize("element", [b"{}", b"[[]]", b'"x"'])
@pytest.mark.parametrize("before", [b"", b"["])
def test_what_ends_by_itself_is_there_before_anything_follows(before: bytes, element: bytes) -> None:
    cutter = JsonSequence()
    if before:
        assert list(cutter.feed(before)) == []
    elif element[:1] == b"[":
        assert list(cutter.feed(b"{}")) == [b"{}"]
    assert list(cutter.feed(element)) == [element]


def test_the_elements_before_a_defect_come_first() -> None:
    elements = JsonSequence().feed(b"[1,{},]")
    assert [next(elements), next(elements)] == [b"1", b"{}"]
    with pytest.raises(JsonError):
        next(elements)


@pytest.mark.parametrize("cutter", [JsonSequence, lines])
def test_what_is_pending_is_the_element_that_has_not_ended(cutter: NewCutter) -> None:
    cutting = cutter()
    assert list(cutting.feed(b'{"a":1}\n')) == [b'{"a":1}']
    assert cutting.pending == 0
    assert list(cutting.feed(b'{"b":')) == []
    assert cutting.pending == 5
    assert list(cutting.feed(b'"x"')) == []
    assert cutting.pending == 8
    assert list(cutting.feed(b"}\n12")) == [b'{"b":"x"}']
    assert cutting.pending == 2


def test_white_space_between_elements_is_not_kept() -> None:
    cutter = JsonSequence()
    assert [list(cutter.feed(b" " * 1000)) for _ in range(10)] == [[]] * 10
    assert cutter.pending == 0


@pytest.mark.parametrize("unit", [b"[", b"[{", b'"', b'\\"', b"1", b"x", b'{"a":"', b"[]", b"\\"])
def test_a_value_that_does_not_end_is_scanned_once(unit: bytes) -> None:
    """In small pieces, so that whoever scanned from the start at each would take minutes."""
    cutter = JsonSequence()
    assert list(cutter.feed(b'["x",[')) == [b'"x"']
    piece = unit * (256 // len(unit))
    assert not any(list(cutter.feed(piece)) for _ in range(2**11))
    assert cutter.pending == 1 + 2**11 * len(piece)


@pytest.mark.parametrize("unit", [b"[],", b"{}", b"["])
def test_a_value_of_too_many_values_is_refused_before_its_end(unit: bytes) -> None:
    cutter = JsonSequence()
    with pytest.raises(JsonError, match=r"^\[1\]: holds more than 1000000 values$"):
        cut(cutter, [b"[0,[", *([unit * 1000] * 1001)])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def in_pieces(draw: Any, text: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(st.data())
def test_any_values_come_out_as_they_went_in(data: st.DataObject) -> None:
    values = data.draw(st.lists(JSON_VALUES, max_size=5))
    as_text = st.builds(json.dumps, st.just(values), ensure_ascii=st.booleans(), indent=st.none() | st.integers(0, 2))
    pieces = data.draw(in_pieces(data.draw(as_text).encode()))
    assert [json.loads(element) for element in cut(JsonSequence(), pieces)] == values


@given(st.data())
def test_any_lines_come_out_as_they_went_in(data: st.DataObject) -> None:
    values = data.draw(st.lists(JSON_VALUES, max_size=5))
    text = data.draw(st.sampled_from(["\n", "\r\n", "\n\n"])).join(map(json.dumps, values))
    assert [json.loads(element) for element in cut(lines(), data.draw(in_pieces(text.encode())))] == values


@given(st.data())
def test_a_text_is_an_array_for_us_as_for_json(data: st.DataObject) -> None:
    """Mutated arrays: what is cut and parsed without complaint is what the standard library reads, and else nothing."""
    text = bytearray(json.dumps(data.draw(st.lists(JSON_VALUES, min_size=1, max_size=3))).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from(b'[]{},:" \\1e-tx'))
    text[:1] = b"["
    pieces = data.draw(in_pieces(bytes(text)))
    assert values_of(lambda: [json.loads(element) for element in cut(JsonSequence(), pieces)]) == values_of(
        lambda: json.loads(bytes(text))
    )


def values_of(read: Callable[[], Any]) -> str | None:
    try:
        return repr(read())
    except ValueError:
        return None
