import pytest
from modelwire_gateway.json_codec import JsonError, JsonValue, MessageCodec, length_delimited
from support.images import Find

SCALARS = "type.googleapis.com/everything.Scalars"


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"@type": SCALARS, "int32Value": 1},
        {"@type": "/google.protobuf.Duration", "value": "1.500s"},
        {"@type": "/google.protobuf.Struct", "value": {"b": 1, "a": [None]}},
        {"@type": "/google.protobuf.Int64Value", "value": "5"},
        {"@type": "/google.protobuf.Empty"},
        {"@type": "/google.protobuf.Any", "value": {"@type": SCALARS, "int32Value": 1}},
    ],
)
def test_comes_back(value: JsonValue, message: Find) -> None:
    codec = MessageCodec.of(message("WellKnown"))
    assert codec.decode(codec.encode({"any": value})) == {"any": value}


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([], r"any: must be an object"),
        ({"int32Value": 1}, r'any\["@type"\]: must name a type'),
        ({"@type": 5}, r'any\["@type"\]: must name a type'),
        ({"@type": "x/nope.Nope"}, r'any\["@type"\]: is a type that is not known here'),
        ({"@type": "everything.Scalars"}, r'any\["@type"\]: must have a / before the name'),
        ({"@type": ""}, r'any\["@type"\]: must name a type'),
        ({"@type": "/\ud800"}, r'any\["@type"\]: must name a type'),
        ({"@type": "/everything.Color"}, r'any\["@type"\]: is a type that is not known here'),
        ({"@type": "x/"}, r'any\["@type"\]: is a type that is not known here'),
        ({"@type": SCALARS, "nope": 1}, r"any.nope: unknown field"),
        ({"@type": "/google.protobuf.Duration"}, r"any.value: is required"),
        ({"@type": "/google.protobuf.Duration", "value": 5}, r"any.value: must be a duration"),
        ({"@type": "/google.protobuf.Duration", "value": "1s", "x": 1}, r"any.x: unknown field"),
    ],
)
def test_refuses(value: JsonValue, error: str, message: Find) -> None:
    with pytest.raises(JsonError, match=f"^{error}"):
        MessageCodec.of(message("WellKnown")).encode({"any": value})


def test_a_type_nobody_knows_has_no_json(message: Find) -> None:
    with pytest.raises(JsonError, match=r'any\["@type"\]: is a type that is not known here'):
        MessageCodec.of(message("WellKnown")).decode(length_delimited(16, length_delimited(1, b"x/nope.Nope")))
