"""A scope of codecs: its options, its types, its end."""

import gc
import json
import sys

import pytest
from google.protobuf import any_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import status_pb2
from modelwire_gateway.json_codec import Codecs, JsonError, JsonOptions, JsonValue, dump_json
from support.images import Find

PROTO_NAMES = Codecs(JsonOptions(proto_field_names=True))
ZEROS = Codecs(JsonOptions(print_zero_values=True))
TOLERANT = Codecs(JsonOptions(unknown_fields="ignore"))
EMPTY_TREE: dict[str, JsonValue] = {"name": "", "children": [], "byName": {}}


def foreign_pool() -> DescriptorPool:
    """A pool of its own, with google.rpc.Status and one type that nobody else knows."""
    pool = DescriptorPool()
    own = FileDescriptorProto(name="own.proto", package="own", syntax="proto3")
    own.message_type.add(name="Own").field.add(
        name="page_token", json_name="pageToken", number=1, label="LABEL_OPTIONAL", type="TYPE_STRING"
    )
    for file in (any_pb2.DESCRIPTOR, status_pb2.DESCRIPTOR):
        pool.AddSerializedFile(file.serialized_pb)
    pool.AddSerializedFile(own.SerializeToString())
    return pool


def use(codecs: Codecs, descriptor: Descriptor) -> None:
    """Has the scope compile all that it can for a type."""
    own = {"details": [{"@type": "/own.Own", "pageToken": "x"}]}
    codec = codecs.message(descriptor)
    wire = codecs.field_encoder(descriptor.fields_by_name["details"])(own["details"], "")
    assert codec.decode(wire) == codec.decode_proto_names(wire, max_values=len(wire)) | own == own
    codecs.encode_text(descriptor.fields_by_name["message"], "x")


def test_nothing_of_a_pool_outlives_the_scope() -> None:
    """Each descriptor refers to its pool, so the references to the pool tell whether one is left."""
    pool = foreign_pool()
    before = sys.getrefcount(pool)
    codecs = Codecs()
    use(codecs, pool.FindMessageTypeByName("google.rpc.Status"))
    assert sys.getrefcount(pool) > before
    del codecs
    gc.collect()
    assert sys.getrefcount(pool) == before


def test_types_are_compiled_once_and_for_their_own_scope(message: Find) -> None:
    first, second, tree = Codecs(), Codecs(), message("Tree")
    assert first.message(tree) is first.message(tree)
    assert first.message(tree) is not second.message(tree)
    assert first.field_encoder(tree.fields[0]) is first.field_encoder(tree.fields[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Scalars", {"nope": 1, "int32Value": 5, "also_nope": {"a": [None]}}),
        ("Lists", {"messages": [{"nope": 1}]}),
        ("Maps", {"messages": {"k": {"nope": []}}}),
        ("WellKnown", {"empty": {"nope": 1}}),
        ("WellKnown", {"any": {"@type": "/everything.Scalars", "nope": 1}}),
        ("WellKnown", {"any": {"@type": "/google.protobuf.Duration", "value": "1s", "nope": 1}}),
        ("Open", {"items": [{"nope": 1}]}),
    ],
)
def test_members_nobody_declares_may_be_ignored(name: str, value: JsonValue, message: Find) -> None:
    with pytest.raises(JsonError, match="nope: unknown field"):
        Codecs().message(message(name)).encode(value)
    assert TOLERANT.message(message(name)).encode(value) == Codecs().message(message(name)).encode(without_nope(value))


def without_nope(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: without_nope(inner) for name, inner in value.items() if "nope" not in name}
    return [without_nope(inner) for inner in value] if isinstance(value, list) else value


def test_ignoring_members_forgives_nothing_else(message: Find) -> None:
    for value in ({"colorValue": "PINK"}, {"int32Value": "x", "nope": 1}, {"int32Value": 1, "int32_value": 1}):
        with pytest.raises(JsonError):
            TOLERANT.message(message("Scalars")).encode(value)


def test_overflow_fields_take_what_would_be_ignored(message: Find) -> None:
    codec = TOLERANT.message(message("Open"))
    assert codec.decode_proto_names(codec.encode({"nope": [1]})) == {"nope": [1]}


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("Scalars", {"int32Value": 1, "@alias": "x"}, {"int32_value": 1, "renamed_value": "x"}),
        ("Maps", {"byString": {"aB": "x"}}, {"by_string": {"aB": "x"}}),
        ("WellKnown", {"mask": "fooBar", "object": {"aB": 1}}, {"mask": "fooBar", "object": {"aB": 1}}),
        ("Open", {"createdAt": 1}, {"first_index": 0, "created_at": 1, "items": []}),
        (
            "WellKnown",
            {"any": {"@type": "/everything.Scalars", "int64Value": 5}},
            {"any": {"@type": "/everything.Scalars", "int64_value": "5"}},
        ),
    ],
)
def test_answers_may_have_the_names_of_the_proto_file(
    name: str, value: JsonValue, written: JsonValue, message: Find
) -> None:
    codec = PROTO_NAMES.message(message(name))
    assert codec.decode(codec.encode(value)) == codec.decode(codec.encode(written)) == written


def test_one_field_is_read_under_the_names_of_the_scope(message: Find) -> None:
    descriptor = message("Scalars")
    assert PROTO_NAMES.message(descriptor).decode_field(b"\x08\x05", descriptor.fields_by_name["int32_value"]) == 5


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("Optionals", {}, {}),
        ("Choice", {"number": 0}, {"number": 0, "outside": ""}),
        ("Tree", {"left": {}}, {"left": EMPTY_TREE, **EMPTY_TREE}),
        ("WellKnown", {"object": {}, "int64Box": 0}, {"object": {}, "int64Box": "0", "nothing": None}),
        ("WellKnown", {"any": {"@type": "/everything.Tree"}}, {
            "any": {"@type": "/everything.Tree", **EMPTY_TREE}, "nothing": None,
        }),
        ("Closed", {}, {"bigNumber": "0", "labels": {}, "mainColor": "COLOR_UNSPECIFIED"}),
    ],
)  # fmt: skip
def test_answers_may_have_all_zeros_without_presence(
    name: str, value: JsonValue, written: JsonValue, message: Find
) -> None:
    codec = ZEROS.message(message(name))
    assert json.loads(dump_json(codec.decode(codec.encode(value)))) == written


@pytest.mark.parametrize(
    "detail",
    [
        {"@type": "type.googleapis.com/own.Own", "pageToken": "x"},
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "NOPE", "domain": "d"},
        {"@type": "type.googleapis.com/google.rpc.Status", "code": 5},
        {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.500s"},
    ],
)
def test_an_any_holds_types_of_its_own_pool_and_the_standard_ones(detail: JsonValue) -> None:
    pool = foreign_pool()
    codec = Codecs().message(pool.FindMessageTypeByName("google.rpc.Status"))
    wire = codec.encode({"code": 3, "details": [detail]})
    assert codec.decode(wire) == {"code": 3, "details": [detail]}
    packed = status_pb2.Status.FromString(wire).details[0]
    assert Codecs().decode_any(packed.SerializeToString(), pool) == detail


def test_an_any_does_not_reach_into_other_pools() -> None:
    codec = Codecs().message(foreign_pool().FindMessageTypeByName("google.rpc.Status"))
    with pytest.raises(JsonError, match="is a type that is not known here"):
        codec.encode({"details": [{"@type": "/modelwire.v1beta.ChatMessage"}]})


def test_answers_of_too_many_values_are_refused(message: Find) -> None:
    codec = Codecs(max_values=1000).message(message("Lists"))
    wire = codec.encode({"boolValues": [True] * 997})
    assert len(codec.decode(wire)["boolValues"]) == 997
    with pytest.raises(JsonError, match=r"^holds more than 1000 values$"):
        codec.decode(codec.encode({"boolValues": [True] * 1001}))


def test_lists_of_numbers_that_stay_arrays_are_not_counted(message: Find) -> None:
    codec = Codecs(max_values=1000).message(message("Lists"))
    wire = codec.encode({"rows": [[0.5] * 2000] * 990})
    assert len(codec.decode(wire)["rows"]) == 990
    with pytest.raises(JsonError, match=r"^holds more than 1000 values$"):
        codec.decode(codec.encode({"rows": [[0.5, "x"]] * 400}))
    with pytest.raises(JsonError, match=r"^holds more than 1000 values$"):
        codec.decode_proto_names(wire, max_values=1000)
