import pytest
from modelwire_gateway.json_codec import Codecs, JsonError, JsonValue
from support.images import Find

CODECS = Codecs()


@pytest.mark.parametrize(
    ("name", "field", "text", "value"),
    [
        ("Scalars", "int32_value", "-5", -5),
        ("Scalars", "uint64_value", "18446744073709551615", 18446744073709551615),
        ("Scalars", "float_value", "NaN", "NaN"),
        ("Scalars", "double_value", "1.5", 1.5),
        ("Scalars", "bool_value", "true", True),
        ("Scalars", "string_value", "null", "null"),
        ("Scalars", "bytes_value", "_-8", "/+8="),
        ("Scalars", "color_value", "BLUE", "BLUE"),
        ("Scalars", "color_value", "2", "BLUE"),
        ("Scalars", "color_value", "-1", "NEGATIVE"),
        ("Optionals", "int32_value", "0", 0),
        ("Optionals", "bool_value", "false", False),
        ("Optionals", "string_value", "", ""),
        ("Lists", "int32_values", "7", [7]),
        ("Lists", "string_values", "a", ["a"]),
        ("WellKnown", "time", "2021-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
        ("WellKnown", "duration", "1.5s", "1.500s"),
        ("WellKnown", "mask", "a,bC", "a,bC"),
        ("WellKnown", "int64_box", "0", 0),
        ("WellKnown", "bool_box", "false", False),
        ("WellKnown", "string_box", '"hi"', '"hi"'),
        ("WellKnown", "object", '{"a":1}', {"a": 1}),
        ("WellKnown", "any_json", '"x"', "x"),
        ("WellKnown", "row", "[1]", [1]),
    ],
)
def test_reads_one_value(name: str, field: str, text: str, value: JsonValue, message: Find) -> None:
    wire = CODECS.encode_text(message(name).fields_by_name[field], text)
    assert CODECS.message(message(name)).decode_proto_names(wire) == {field: value}


@pytest.mark.parametrize(
    ("name", "field", "text", "error"),
    [
        ("Scalars", "int32_value", "2147483648", "must be from"),
        ("Scalars", "int32_value", "", "must be an integer"),
        ("Scalars", "double_value", "x", "must be a number"),
        ("Scalars", "float_value", "1e39", "out of the range"),
        ("Scalars", "bool_value", "1", "must be true or false"),
        ("Scalars", "bool_value", "True", "must be true or false"),
        ("Scalars", "bytes_value", "!!", "must be a base64 string"),
        ("Scalars", "color_value", "PINK", "has no value named PINK"),
        ("Scalars", "color_value", "99999999999", "must be from"),
        ("WellKnown", "time", "yesterday", "must be a time"),
        ("WellKnown", "bool_box", "x", "must be true or false"),
        ("WellKnown", "object", "[]", "must be an object"),
        ("WellKnown", "object", "{", "invalid JSON"),
        ("WellKnown", "any", "{}", "cannot be given as text"),
        ("WellKnown", "empty", "{}", "cannot be given as text"),
        ("Tree", "left", "{}", "cannot be given as text"),
        ("Maps", "by_string", "{}", "cannot be given as text"),
    ],
)
def test_refuses(name: str, field: str, text: str, error: str, message: Find) -> None:
    with pytest.raises(JsonError, match=error):
        CODECS.encode_text(message(name).fields_by_name[field], text)


def test_a_zero_replaces_what_stands_before(message: Find) -> None:
    descriptor = message("Scalars")
    for field, text, zero in [("int64_value", "5", "0"), ("string_value", "x", ""), ("color_value", "RED", "0")]:
        wire = b"".join(CODECS.encode_text(descriptor.fields_by_name[field], given) for given in (text, zero))
        assert CODECS.message(descriptor).decode(wire) == {}
