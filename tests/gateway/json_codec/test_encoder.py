import numpy as np
import pytest
from modelwire_gateway.json_codec import JsonError, JsonValue, MessageCodec
from support.images import Find


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("Scalars", [], "must be an object"),
        ("Scalars", "", "must be an object"),
        ("Scalars", None, "must be an object"),
        ("Scalars", {"nope": None}, "nope: unknown field"),
        ("Scalars", {"no pe": 1}, '["no pe"]: unknown field'),
        ("Scalars", {"x" * 99: 1}, "x" * 39 + "…: unknown field"),
        ("Scalars", {"int32Value": 1, "int32_value": 1}, "int32Value: cannot stand beside int32_value"),
        ("Scalars", {"int32Value": None, "int32_value": 1}, "int32_value: cannot stand beside int32Value"),
        ("Scalars", {"int32Value": 2**31}, "int32Value: must be from -2147483648 to 2147483647"),
        ("Scalars", {"uint32Value": -1}, "uint32Value: must be from 0 to 4294967295"),
        ("Scalars", {"uint64Value": str(2**64)}, "uint64Value: must be from 0 to 18446744073709551615"),
        ("Scalars", {"sfixed64Value": -(2**63) - 1}, "sfixed64Value: must be from"),
        ("Scalars", {"int32Value": 5.5}, "int32Value: must be an integer"),
        ("Scalars", {"int32Value": float("inf")}, "int32Value: must be an integer"),
        ("Scalars", {"int32Value": True}, "int32Value: must be an integer"),
        ("Scalars", {"int32Value": ""}, "int32Value: must be an integer"),
        ("Scalars", {"int32Value": " 5"}, "int32Value: must be an integer"),
        ("Scalars", {"int32Value": "1_0"}, "int32Value: must be an integer"),
        ("Scalars", {"int32Value": "0x1"}, "int32Value: must be an integer"),
        ("Scalars", {"int32Value": "٣"}, "int32Value: must be an integer"),
        ("Scalars", {"int64Value": "1e9999"}, "int64Value: must be an integer"),
        ("Scalars", {"int64Value": "9" * 5000}, "int64Value: must be an integer"),
        ("Scalars", {"int32Value": []}, "int32Value: must be an integer"),
        ("Scalars", {"doubleValue": float("inf")}, "doubleValue: is out of the range of a double"),
        ("Scalars", {"doubleValue": 10**400}, "doubleValue: is out of the range of a double"),
        ("Scalars", {"doubleValue": "1e400"}, "doubleValue: is out of the range of a double"),
        ("Scalars", {"doubleValue": "inf"}, "doubleValue: must be a number"),
        ("Scalars", {"doubleValue": "nan"}, "doubleValue: must be a number"),
        ("Scalars", {"doubleValue": False}, "doubleValue: must be a number"),
        ("Scalars", {"floatValue": 1e39}, "floatValue: is out of the range of a float"),
        ("Scalars", {"floatValue": "1e39"}, "floatValue: is out of the range of a float"),
        ("Scalars", {"boolValue": 1}, "boolValue: must be true or false"),
        ("Scalars", {"boolValue": "true"}, "boolValue: must be true or false"),
        ("Scalars", {"stringValue": 1234}, "stringValue: must be a string"),
        ("Scalars", {"stringValue": "\ud800"}, "stringValue: has a lone surrogate"),
        ("Scalars", {"bytesValue": "!!"}, "bytesValue: must be a base64 string"),
        ("Scalars", {"bytesValue": "é"}, "bytesValue: must be a base64 string"),
        ("Scalars", {"bytesValue": "A"}, "bytesValue: must be a base64 string"),
        ("Scalars", {"bytesValue": "YQ==YQ=="}, "bytesValue: must be a base64 string"),
        ("Scalars", {"colorValue": "PINK"}, "colorValue: has no value named PINK"),
        ("Scalars", {"colorValue": "P" * 99}, "colorValue: has no value named " + "P" * 39 + "…"),
        ("Scalars", {"colorValue": 2**31}, "colorValue: must be from"),
        ("Lists", {"int32Values": {"0": 1}}, "int32Values: must be a list"),
        ("Lists", {"int32Values": [1, None]}, "int32Values[1]: must be an integer"),
        ("Lists", {"doubleValues": [0.5] * 20 + [float("inf")]}, "doubleValues[20]: is out of the range of a double"),
        ("Lists", {"floatValues": [0.5] * 20 + [1e39]}, "floatValues[20]: is out of the range of a float"),
        ("Lists", {"doubleValues": [0.5] * 20 + [True]}, "doubleValues[20]: must be a number"),
        ("Lists", {"stringValues": ["a", None]}, "stringValues[1]: must not be null"),
        ("Lists", {"messages": [{}, None]}, "messages[1]: must not be null"),
        ("Lists", {"boxes": [1, None]}, "boxes[1]: must not be null"),
        ("Lists", {"messages": [{}, {"stringValue": 1}]}, "messages[1].stringValue: must be a string"),
        ("Maps", {"byString": []}, "byString: must be an object"),
        ("Maps", {"byString": {"a": None}}, "byString.a: must not be null"),
        ("Maps", {"byInt32": {"x": ""}}, "byInt32.x: must be an integer"),
        ("Maps", {"byBool": {"True": ""}}, "byBool.True: must be true or false"),
        ("Maps", {"messages": {"a b": {"nope": 1}}}, 'messages["a b"].nope: unknown field'),
        ("Maps", {"byInt32": {"2147483648": ""}}, "byInt32.2147483648: must be from"),
        ("Maps", {"byInt32": {"1": "", "1.0": ""}}, 'byInt32["1.0"]: must be an integer'),
        ("Maps", {"byInt32": {"0": "", "-0": ""}}, "byInt32.-0: must be an integer"),
        ("Choice", {"text": "a", "number": 1}, "text: cannot stand beside number"),
        ("Choice", {"scalars": {}, "anyJson": None}, "scalars: cannot stand beside anyJson"),
        ("Choice", {"nothing": None, "main_color": 1}, "nothing: cannot stand beside main_color"),
        ("WellKnown", {"nothing": 1}, "nothing: must be null"),
        ("WellKnown", {"nothing": False}, "nothing: must be null"),
        ("WellKnown", {"object": []}, "object: must be an object"),
        ("WellKnown", {"row": {}}, "row: must be a list"),
        ("WellKnown", {"row": [[{"a": [0, float("nan")]}]]}, "row[0][0].a[1]: is out of the range of a double"),
        ("WellKnown", {"row": [0.5] * 20 + [float("inf")]}, "row[20]: is out of the range of a double"),
        ("WellKnown", {"row": np.array([0.5, np.nan])}, "row[1]: is out of the range of a double"),
        ("WellKnown", {"anyJson": 10**400}, "anyJson: is out of the range of a double"),
        ("WellKnown", {"anyJson": {"a": "\ud800"}}, "anyJson.a: has a lone surrogate"),
        ("WellKnown", {"anyJson": {"\udc00": 1}}, r'anyJson["\udc00"]: has a lone surrogate'),
        ("WellKnown", {"anyJson": object()}, "anyJson: is not a JSON value"),
        ("WellKnown", {"empty": {"a": 1}}, "empty.a: unknown field"),
        ("WellKnown", {"boolBox": "true"}, "boolBox: must be true or false"),
        ("Open", {"items": [{"nope": 1}]}, "items[0].nope: unknown field"),
        ("Open", {"nope": {"a": [float("inf")]}}, "nope.a[0]: is out of the range of a double"),
    ],
)
def test_refuses_with_path_and_reason(name: str, value: JsonValue, error: str, message: Find) -> None:
    with pytest.raises(JsonError, match=r".") as caught:
        MessageCodec.of(message(name)).encode(value)
    assert str(caught.value) == error or (error.endswith("from") and str(caught.value).startswith(error))


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("Scalars", {"int32Value": 5.0}, {"int32Value": 5}),
        ("Scalars", {"int32Value": "1e3"}, {"int32Value": 1000}),
        ("Scalars", {"int64Value": "9007199254740993.0"}, {"int64Value": "9007199254740993"}),
        ("Scalars", {"doubleValue": "-1.5e2"}, {"doubleValue": -150}),
        ("Scalars", {"doubleValue": -0.0}, {"doubleValue": -0.0}),
        ("Scalars", {"bytesValue": "_-8"}, {"bytesValue": "/+8="}),
        ("Scalars", {"bytesValue": "+/8="}, {"bytesValue": "+/8="}),
        ("Scalars", {"colorValue": 2.0}, {"colorValue": "BLUE"}),
        ("Lists", {"nulls": [None, "NULL_VALUE", 0]}, {"nulls": [None, None, None]}),
        ("Lists", {"anyJson": [None]}, {"anyJson": [None]}),
        (
            "Lists",
            {"doubleValues": np.arange(3.0), "floatValues": np.array([0.1])},
            {"doubleValues": [0, 1, 2], "floatValues": [0.1]},
        ),
        ("Maps", {"anyJson": {"a": None}}, {"anyJson": {"a": None}}),
        ("Maps", {"byInt32": {"-1": "a", "0": "b"}}, {"byInt32": {"-1": "a", "0": "b"}}),
        ("Choice", {"text": None, "number": 1}, {"number": 1}),
        ("Choice", {"text": "", "anyJson": 0, "number": None} | {"text": None}, {"anyJson": 0}),
        ("WellKnown", {"object": {"a": 2**53 + 1}}, {"object": {"a": 2**53}}),
        ("WellKnown", {"row": [1, 2.0, 0.5]}, {"row": [1, 2, 0.5]}),
    ],
)
def test_reads_every_form_of_a_value(name: str, value: JsonValue, read: JsonValue, message: Find) -> None:
    codec = MessageCodec.of(message(name))
    again = codec.decode(codec.encode(value))
    assert again == read
    assert str(again) == str(read)


def test_zeros_are_written_so_that_they_replace_what_stands_before(message: Find) -> None:
    codec = MessageCodec.of(message("WellKnown"))
    before = codec.encode({"time": "2020-01-01T00:00:00.5Z", "int64Box": 7, "stringBox": "x"})
    after = codec.encode({"time": "1970-01-01T00:00:00Z", "int64Box": 0, "stringBox": ""})
    assert codec.decode(before + after) == {"time": "1970-01-01T00:00:00Z", "int64Box": "0", "stringBox": ""}
    scalars = MessageCodec.of(message("Scalars"))
    full = {field.name: "B" if field.name == "string_value" else 1 for field in message("Scalars").fields}
    full |= {"bool_value": True, "bytes_value": "AAAA", "renamed_value": "x"}
    zeros = dict.fromkeys(full, 0) | {"bool_value": False, "bytes_value": "", "string_value": "", "renamed_value": ""}
    assert scalars.decode(scalars.encode(full) + scalars.encode(zeros)) == {}
