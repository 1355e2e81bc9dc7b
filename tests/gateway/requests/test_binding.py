import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format, message_factory
from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.json_codec import Codecs
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.requests.binding import Binder
from modelwire_gateway.requests.query import read_query
from modelwire_gateway.routing.field_paths import FieldNames
from modelwire_gateway.routing.route_rules import Route
from modelwire_gateway.routing.routes import Match, RouteTable
from support.images import CompileServices

Bind = Callable[..., dict[str, Any]]

SCHEMA = """
syntax = "proto3"; package t;
import "google/api/annotations.proto"; import "google/api/httpbody.proto"; import "google/protobuf/duration.proto";
import "google/protobuf/any.proto";
import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
enum Color { NONE = 0; RED = 1; BLUE = 2; }
message Sub {
  string title = 1; Sub child = 2; repeated int32 nums = 3; string short_note = 4;
  oneof pick { string left = 5; Sub right = 6; }
}
message Req {
  string name = 1; int64 rev = 2; repeated string tags = 3; Sub sub = 4; Color color = 5; bool flag = 6;
  bytes blob = 7; double ratio = 8; google.protobuf.Timestamp at = 9; google.protobuf.Duration wait = 10;
  google.protobuf.FieldMask mask = 11; google.protobuf.Int32Value size = 12; google.protobuf.Struct extra = 13;
  map<string, string> labels = 14; repeated Sub subs = 15; string long_name = 16;
  string renamed = 17 [json_name = "as"];
  oneof pick { string left = 18; bool right = 19; }
  google.api.HttpBody raw = 20; optional int32 maybe = 21; repeated Color colors = 22; google.protobuf.Value any = 23;
  google.protobuf.Any packed = 24;
}
service S {
  rpc Get(Req) returns (Req) { option (google.api.http) = { get: "/get" }; }
  rpc Path(Req) returns (Req) { option (google.api.http) = {
    get: "/name/{name}" body: "sub"
    additional_bindings { get: "/sub/{sub.title}/{renamed}" }
    additional_bindings { get: "/left/{left}" }
    additional_bindings { get: "/deep/{sub.left}" }
  }; }
  rpc Post(Req) returns (Req) { option (google.api.http) = {
    post: "/all" body: "*"
    additional_bindings { post: "/all/{sub.title}/{rev}" body: "*" }
    additional_bindings { post: "/left/{left}" body: "*" }
    additional_bindings { post: "/at/{at}" body: "*" }
    additional_bindings { post: "/wait/{wait}" body: "*" }
    additional_bindings { post: "/size/{size}" body: "*" }
    additional_bindings { post: "/flag/{flag}" body: "*" }
    additional_bindings { post: "/maybe/{maybe}" body: "*" }
    additional_bindings { post: "/sub" body: "sub" }
    additional_bindings { post: "/tags" body: "tags" }
    additional_bindings { post: "/labels" body: "labels" }
    additional_bindings { post: "/title" body: "name" }
    additional_bindings { post: "/pick" body: "left" }
    additional_bindings { post: "/raw/{name}" body: "raw" }
  }; }
  rpc Raw(google.api.HttpBody) returns (Req) { option (google.api.http) = { post: "/raw" body: "*" }; }
}
"""


def bound_either_way(route: Route, options: GatewayOptions, *given: Any) -> bytes:
    """The request in wire form, after a look whether one as JSON comes to the same, or to the same complaint."""
    codecs = Codecs()
    binder = Binder(route, codecs, FieldNames(), options, takes_json=True)
    wire, refusal = attempted(binder.message, *given)
    request, same_refusal = attempted(binder.request, *given)
    if refusal is not None:
        assert same_refusal is not None
        assert (same_refusal.status, same_refusal.http_status) == (refusal.status, refusal.http_status)
        raise refusal
    assert request in (wire, codecs.message(route.rpc.descriptor.input_type).decode_proto_names(wire))
    return bytes(wire)


def attempted(bind: Callable[..., Any], *given: Any) -> tuple[Any, RpcFailure | None]:
    try:
        return bind(*given), None
    except RpcFailure as refusal:
        return None, refusal


@pytest.fixture(scope="module")
def bind(compile_services: CompileServices) -> Bind:
    """Binds a request to the route it matches and gives the message as proto3 JSON, read by protobuf itself."""
    table = RouteTable.from_services(compile_services(SCHEMA))

    def bound(
        method: str, path: str, body: bytes | str = b"", content_type: str | None = None, **options: Any
    ) -> dict[str, Any]:
        raw_path, _, query = path.partition("?")
        match = table.match(method, raw_path)
        assert isinstance(match, Match)
        body = body.encode() if isinstance(body, str) else body
        given = match.captures, read_query(query.encode()).fields, body, content_type
        wire = bound_either_way(match.route, GatewayOptions(**options), *given)
        message = message_factory.GetMessageClass(match.route.rpc.descriptor.input_type).FromString(wire)
        return json_format.MessageToDict(message)

    return bound


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", {}),
        ("&&", {}),
        ("name=a", {"name": "a"}),
        ("name", {}),
        ("name=", {}),
        ("name=a%20b+c%2Bd", {"name": "a b c+d"}),
        ("n%61me=a=b", {"name": "a=b"}),
        ("name=%E4%B8%96", {"name": "世"}),
        ("long_name=a", {"longName": "a"}),
        ("longName=a", {"longName": "a"}),
        ("renamed=a", {"as": "a"}),
        ("as=a", {"as": "a"}),
        ("rev=-7&ratio=-Infinity", {"rev": "-7", "ratio": "-Infinity"}),
        ("flag=true&color=RED", {"flag": True, "color": "RED"}),
        ("color=2&colors=RED&colors=2", {"color": "BLUE", "colors": ["RED", "BLUE"]}),
        ("maybe=0", {"maybe": 0}),
        ("blob=_-8", {"blob": "/+8="}),
        ("tags=b&tags=a&tags=", {"tags": ["b", "a", ""]}),
        ("sub.title=a&sub.child.nums=1&sub.child.nums=2&sub.shortNote=n",
         {"sub": {"title": "a", "child": {"nums": [1, 2]}, "shortNote": "n"}}),
        ("at=2021-01-01T00:00:00Z&wait=1.5s&mask=a.b,longName&size=0",
         {"at": "2021-01-01T00:00:00Z", "wait": "1.500s", "mask": "a.b,longName", "size": 0}),
        ('extra=%7B"b":1,"a":[null]%7D&any=%5B1%5D', {"extra": {"b": 1, "a": [None]}, "any": [1]}),
        ("left=", {"left": ""}),
        ("sub.left=a&left=b", {"sub": {"left": "a"}, "left": "b"}),  # oneofs of two messages
        ("alt=json&$prettyPrint=true&key=k&quotaUser=u&name=a", {"name": "a"}),
    ],
)  # fmt: skip
def test_a_query_is_bound_to_fields(bind: Bind, query: str, message: dict[str, Any]) -> None:
    assert bind("GET", f"/get?{query}") == message


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("nope=1", "nope: names no field 'nope' of t.Req"),
        ("=1", "names no field ''"),
        ("sub.nope=1", "sub.nope: names no field 'nope' of t.Sub"),
        ("name.x=1", "name.x: names no field 'x'"),
        ("at.seconds=1", "at.seconds: names no field 'seconds'"),
        ("sub=1", "sub: ends at the message 'sub'"),
        ("raw=1", "raw: ends at the message 'raw'"),
        ("packed.type_url=t.local/t.Sub", "packed.type_url: names no field 'type_url'"),
        ("packed=x", "packed: ends at the message 'packed'"),
        ("labels=1", "labels: ends at the map 'labels'"),
        ("labels.a=1", "labels.a: passes through the repeated field 'labels'"),
        ("labels%5Ba%5D=1", "labels[a]: names no field"),
        ("subs.title=1", "subs.title: passes through the repeated field 'subs'"),
        ("rev=x", "rev: must be"),
        ("rev=9223372036854775808", "rev: must be"),
        ("flag=1", "flag: must be true or false"),
        ("color=PINK", "color: "),
        ("ratio=", "ratio: must be"),
        ("blob=!!", "blob: must be"),
        ("at=yesterday", "at: must be"),
        ("extra=%7B", "extra: "),
        ("sub.child.nums=1&sub.child.nums=x", "sub.child.nums: must be"),
        ("long_name=a&longName=a", "longName: is given more than once"),
        ("at=2021-01-01T00:00:00Z&at=2021-01-01T00:00:00Z", "at: is given more than once"),
        ("left=a&right=true", "right: excludes another parameter: only one field of 'pick' may be given"),
        ("sub.right.title=a&sub.left=b", "sub.left: excludes another parameter"),
        ("name=%zz", "name: the query has a malformed percent-encoding"),
        ("n%=a", "n%: the query has a malformed percent-encoding"),
        ("name=%ff", "name: the query is not UTF-8"),
        ("sub" + ".child" * 200 + ".title=a", "nests more than 100 messages"),
    ],
)
def test_a_query_that_fits_no_field_is_a_bad_request(bind: Bind, query: str, complaint: str) -> None:
    with pytest.raises(RpcFailure) as caught:
        bind("GET", f"/get?{query}")
    assert (caught.value.http_status, caught.value.status.code) == (400, 3)
    assert complaint in caught.value.status.message
    assert len(caught.value.status.SerializeToString()) < 1000


def test_unknown_query_keys_are_ignored_on_request(bind: Bind) -> None:
    assert bind("GET", "/get?nope=1&sub.nope=2&name=a", unknown_query="ignore") == {"name": "a"}
    assert bind("POST", "/all?nope=1", unknown_query="ignore") == {}
    with pytest.raises(RpcFailure):
        bind("GET", "/get?labels=1", unknown_query="ignore")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/name/p?name=q", {"name": "p"}),
        ("/name/p?long_name=q", {"name": "p", "longName": "q"}),
        ("/sub/t/r?as=q&renamed=q&sub.title=q", {"sub": {"title": "t"}, "as": "r"}),
        ("/sub/t/r?sub.shortNote=q", {"sub": {"title": "t", "shortNote": "q"}, "as": "r"}),
        ("/left/p?right=true", {"left": "p"}),
        ("/deep/p?sub.right.title=q&sub.title=q", {"sub": {"left": "p", "title": "q"}}),
        ("/deep/p?left=q", {"sub": {"left": "p"}, "left": "q"}),
    ],
)
def test_a_query_cannot_touch_what_the_path_binds(bind: Bind, path: str, message: dict[str, Any]) -> None:
    assert bind("GET", path) == message


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/all/t/0", {"sub": {"title": "b", "shortNote": "n"}, "rev": "5"}, {"sub": {"title": "t", "shortNote": "n"}}),
        ("/left/p", {"right": True}, {"left": "p"}),
        ("/at/1970-01-01T00:00:01Z", {"at": "2021-01-01T00:00:00.5Z"}, {"at": "1970-01-01T00:00:01Z"}),
        ("/at/1970-01-01T00:00:00Z", {"at": "2021-01-01T00:00:00.5Z"}, {"at": "1970-01-01T00:00:00Z"}),
        ("/wait/2s", {"wait": "1.5s"}, {"wait": "2s"}),
        ("/size/0", {"size": 5}, {"size": 0}),
        ("/flag/false", {"flag": True}, {}),
        ("/maybe/0", {"maybe": 5}, {"maybe": 0}),
    ],
)
def test_the_path_wins_over_the_body(bind: Bind, path: str, body: dict[str, Any], message: dict[str, Any]) -> None:
    assert bind("POST", path, json.dumps(body)) == message


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/sub?sub.title=q&sub.shortNote=q&name=a", '{"title": "t"}', {"name": "a", "sub": {"title": "t"}}),
        ("/title?name=q&rev=1", '"t"', {"name": "t", "rev": "1"}),
        ("/pick?right=true", '"t"', {"left": "t"}),
        ("/sub?name=a", "", {"name": "a"}),
        ("/tags", '["a", "b"]', {"tags": ["a", "b"]}),
        ("/labels", '{"a": "b"}', {"labels": {"a": "b"}}),
        ("/all?alt=sse&$key=k", '{"name": "a"}', {"name": "a"}),
        ("/all", "", {}),
        ("/sub", "null", {}),
    ],
)
def test_a_body_is_bound_as_its_rule_says(bind: Bind, path: str, body: str, message: dict[str, Any]) -> None:
    assert bind("POST", path, body) == message


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        ("GET", "/get", "{}", "takes no body"),
        ("GET", "/left/p", " ", "takes no body"),
        ("POST", "/all", " \n", "invalid JSON"),
        ("POST", "/all", "{", "invalid JSON"),
        ("POST", "/all", "[]", "must be"),
        ("POST", "/all", "null", "must be"),
        ("POST", "/all", b'{"name": "\xff"}', "invalid UTF-8"),
        ("POST", "/all", '{"sub": {"title": 1}}', "sub.title: must be a string"),
        ("POST", "/all", '{"name": "a", "name": "b"}', "name"),
        ("POST", "/sub", '{"title": 1}', "sub.title: must be a string"),
        ("POST", "/sub", "[]", "sub: must be"),
        ("POST", "/tags", '"a"', "must be a list"),
        ("POST", "/tags", '["a", 1]', "tags[1]: must be a string"),
        ("POST", "/all?name=a", "{}", "name: no query parameter is taken here"),
        ("POST", "/all/t/1?rev=2", "{}", "rev: no query parameter is taken here"),
        ("POST", "/all/t/x", "{}", "rev: must be"),
        ("POST", "/size/x", "{}", "size: must be"),
    ],
)
def test_a_request_that_fits_no_message_is_a_bad_request(
    bind: Bind, method: str, path: str, body: str | bytes, complaint: str
) -> None:
    with pytest.raises(RpcFailure) as caught:
        bind(method, path, body)
    assert (caught.value.http_status, caught.value.status.code) == (400, 3)
    assert complaint in caught.value.status.message


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "Application/JSON", 'application/json; charset="UTF-8"', "application/merge-patch+json"],
)
def test_json_is_taken_under_its_names(bind: Bind, content_type: str | None) -> None:
    assert bind("POST", "/all", '{"name": "a"}', content_type) == {"name": "a"}


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "application/jsonp"],
)
def test_another_content_type_is_unsupported(bind: Bind, content_type: str) -> None:
    with pytest.raises(RpcFailure) as caught:
        bind("POST", "/all", '{"name": "a"}', content_type)
    assert caught.value.http_status == 415


def test_the_type_of_an_empty_body_does_not_matter(bind: Bind) -> None:
    assert bind("POST", "/all", b"", "application/x-www-form-urlencoded") == {}


@pytest.mark.parametrize("content_type", ["image/png", "application/json", None])
def test_an_http_body_takes_any_bytes(bind: Bind, content_type: str | None) -> None:
    http_body = {"data": base64.b64encode(b"\x00{\xff").decode()} | (
        {"contentType": content_type} if content_type else {}
    )
    assert bind("POST", "/raw", b"\x00{\xff", content_type) == http_body
    assert bind("POST", "/raw/n?rev=2", b"\x00{\xff", content_type) == {"name": "n", "rev": "2", "raw": http_body}


def test_an_http_body_without_body_and_type_is_absent(bind: Bind) -> None:
    assert bind("POST", "/raw/n", b"") == {"name": "n"}


@pytest.mark.parametrize(
    ("path", "body", "as_json"),
    [
        ("/all", b'{"name": "a"}', True),
        ("/all", b"", False),
        ("/all?x=1", b'{"name": "a"}', False),
        ("/left/x", b'{"name": "a"}', False),
        ("/sub", b'{"title": "a"}', False),
        ("/raw", b'{"data": "aaaa"}', False),
        ("/all", b'{"any": [%b0]}' % (b"0," * 100), False),
    ],
    ids=["whole", "empty", "query", "path", "field", "raw", "perhaps too large"],
)
def test_a_request_is_handed_on_as_json_where_it_need_not_be_merged_nor_measured(
    path: str, body: bytes, as_json: bool, compile_services: CompileServices
) -> None:
    raw_path, _, query = path.partition("?")
    match = RouteTable.from_services(compile_services(SCHEMA)).match("POST", raw_path)
    assert isinstance(match, Match)
    options = GatewayOptions(max_request_bytes=1200, unknown_query="ignore")
    binder = Binder(match.route, Codecs(), FieldNames(), options, takes_json=True)
    request = binder.request(match.captures, read_query(query.encode()).fields, body, None)
    assert isinstance(request, dict if as_json else bytes)
