"""What services read in the same process, against the way over the wire: the same values, or the same complaint."""

import json
from copy import deepcopy
from itertools import product
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from hypothesis import example, given, settings
from hypothesis import strategies as st
from modelwire_gateway.json_codec import Codecs, JsonError, JsonOptions, JsonValue
from modelwire_gateway.sources.descriptors import built_in_services
from support.images import Find
from support.proto_json import ANY_JSON, json_of

NAMES = (
    "Scalars", "Optionals", "Present", "Lists", "Packed", "Unpacked", "Maps", "Keys", "MapValues", "Choice", "OneOf",
    "WellKnown", "Tree", "Open", "Closed", "legacy.Legacy",
)  # fmt: skip
CONTRACT = {method.input_type: None for service in built_in_services() for method in service.methods}
CHAT = next(message for message in CONTRACT if message.full_name == "modelwire.v1beta.ChatCompletionsRequest")
CODECS = Codecs()
TOLERANT = Codecs(JsonOptions(unknown_fields="ignore"))

# What no message, or only some, can hold; in the place of any value of a request, or beside it. Half a surrogate
# pair is not among it: that is no JSON text.
ODD = [
    None, True, False, 0, -0.0, 0.5, 5.0, 1e300, 2**53 + 1, -(2**63), 2**64, 10**400, float("inf"), float("nan"), "",
    "é", "5", "5.0", "1e3", "NaN", "abc", "YWJj", "1.5s", "2024-05-01T12:00:00+02:00", "RED", "NULL_VALUE",
    [], {}, [None], [[]], [{}], {"": None}, {"é": 1}, {"x": {"y": [{"z": []}]}}, object(),
    [1] * 16, [0.5] * 15 + [-0.0], [2**60] * 20, [1.5] * 16 + [None], [10**400] * 20, [True] * 20,
]  # fmt: skip
ODDITIES = st.sampled_from(ODD) | ANY_JSON


def outcome(read: Any, value: JsonValue) -> tuple[str, str]:
    """What comes out as text, which tells 5 from 5.0 and keeps the order of members; or the path and the reason."""
    try:
        return "", json.dumps(read(value))
    except JsonError as error:
        return error.path, error.reason


def compared(codecs: Codecs, descriptor: Descriptor, value: JsonValue) -> None:
    codec, read = codecs.message(descriptor), codecs.request_reader(descriptor)
    long_way = outcome(lambda given: codec.decode_proto_names(codec.encode(given, "at")), value)
    assert outcome(lambda given: read(given, "at"), value) == long_way


def places(value: JsonValue) -> list[tuple[Any, Any]]:
    """All containers in a value, with the key or index of each value in them."""
    found = []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += [(value, key), *places(item)]
    return found


@st.composite
def perhaps_broken(draw: st.DrawFn, descriptor: Descriptor) -> JsonValue:
    """A request, of which a value or two may have been replaced, or something been put beside them."""
    value = json.loads(json.dumps(draw(json_of(descriptor))))
    for _ in range(draw(st.integers(0, 2))):
        if not (found := places(value)):
            break
        container, key = draw(st.sampled_from(found))
        container[key] = deepcopy(draw(ODDITIES))
    if isinstance(value, dict) and draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from([*descriptor.fields_by_name, *descriptor.fields_by_camelcase_name, "nobody", "é"]))
        value[name] = deepcopy(draw(ODDITIES))
    return value


@pytest.mark.parametrize("codecs", [CODECS, TOLERANT], ids=["strict", "tolerant"])
@pytest.mark.parametrize("name", NAMES)
def test_reads_every_kind_of_field_as_the_wire_has_it(name: str, codecs: Codecs, message: Find) -> None:
    descriptor = message(name)

    @settings(max_examples=40, deadline=None)
    @given(perhaps_broken(descriptor))
    def agrees(value: JsonValue) -> None:
        compared(codecs, descriptor, value)

    agrees()


@pytest.mark.parametrize("descriptor", CONTRACT, ids=lambda descriptor: descriptor.full_name)
def test_reads_every_request_of_the_contract_as_the_wire_has_it(descriptor: Descriptor) -> None:
    @settings(max_examples=40, deadline=None)
    @given(perhaps_broken(descriptor))
    @example({})
    @example([])
    def agrees(value: JsonValue) -> None:
        compared(CODECS, descriptor, value)

    agrees()


def nested(levels: int, inside: JsonValue, wrap: Any) -> JsonValue:
    for _ in range(levels):
        inside = wrap(inside)
    return inside


@pytest.mark.parametrize("wrap", [lambda given: {"a": given}, lambda given: [given]], ids=["object", "list"])
@pytest.mark.parametrize("place", ["metadata", "nobody", "response_format", "messages"])
def test_is_as_deep_as_the_wire(place: str, wrap: Any) -> None:
    for levels, inside in product(range(28, 54), ([], {}, [0], {"a": 0}, 0)):
        value = nested(levels, inside, wrap)
        compared(CODECS, CHAT, {place: [{"role": "user", "content": value}] if place == "messages" else value})


def test_texts_are_handed_on_as_they_are() -> None:
    text = "x" * 1000
    read = CODECS.request_reader(CHAT)
    request = read({"model": text, "messages": [{"role": "user", "content": text}], "extra": {"a": [text]}}, "")
    assert request["model"] is request["messages"][0]["content"] is request["extra"]["a"][0] is text
