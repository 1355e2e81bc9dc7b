import random
import time
from collections.abc import Iterable

import pytest
from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.routing.routes import Match, MethodNotAllowed, NotFound, RouteErrors, RouteTable
from modelwire_gateway.sources.descriptors import built_in_services
from support.images import CompileServices

SCHEMA = """
syntax = "proto3"; package t;
import "google/api/annotations.proto"; import "google/api/httpbody.proto"; import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
import "google/protobuf/field_mask.proto";
message Sub { string id = 1; repeated Sub subs = 2; }
message Req {
  string a = 1; string b = 2; string c = 3; Sub sub = 4; repeated string tags = 5; repeated Sub subs = 6;
  map<string, string> labels = 7; google.protobuf.Timestamp at = 8; google.protobuf.Int32Value size = 9;
  google.protobuf.Struct extra = 10; google.protobuf.FieldMask mask = 11; int32 number = 12;
  string other = 13 [json_name = "renamed"];
}
"""


def schema(*rules: str, response: str = "Req") -> str:
    """One method `t.S.M0`, `t.S.M1`, … for each rule, given as the text of a google.api.HttpRule."""
    methods = (
        f"rpc M{at}(Req) returns ({response}) {{ option (google.api.http) = {{ {rule} }}; }}"
        for at, rule in enumerate(rules)
    )
    return f"{SCHEMA} service S {{ {' '.join(methods)} }}"


def rule(route: str) -> str:
    """`GET /v1/{a}` as the text of a google.api.HttpRule."""
    method, template = route.split(" ")
    return f'custom {{ kind: "{method}" path: "{template}" }}'


def table_of(compile_services: CompileServices, routes: Iterable[str]) -> RouteTable:
    return RouteTable.from_services(compile_services(schema(*map(rule, routes))))


def found(table: RouteTable, method: str, path: bytes | str) -> tuple[str, dict[str, str]]:
    match = table.match(method, path)
    assert isinstance(match, Match)
    names = [variable.field_path for variable in match.route.template.variables]
    return str(match.route.template), dict(zip(names, match.captures, strict=True))


PRECEDENCE = (
    "GET /",
    "GET /x/y/z",
    "GET /x/{a}/z",
    "GET /x/{a}/{b}",
    "GET /x/y/{b}/w",
    "GET /x/{a=**}",
    "GET /x/{a=**}/end",
    "GET /x/{a=**}/the/end",
    "GET /x/{a}/{b}:go",
    "GET /n/{a}",
    "GET /n/{a=**}",
    "GET /{a=**}:go",
    "POST /x/y/z:go",
)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("path", "template", "captures"),
    [
        ("/", "/", {}),
        ("/x/y/z", "/x/y/z", {}),
        ("/x/q/z", "/x/{a}/z", {"a": "q"}),
        ("/x/q/r", "/x/{a}/{b}", {"a": "q", "b": "r"}),
        ("/x/y/q", "/x/{a}/{b}", {"a": "y", "b": "q"}),  # backs out of /x/y, which leads nowhere
        ("/x/y/q/w", "/x/y/{b}/w", {"b": "q"}),
        ("/x/y/q/v", "/x/{a=**}", {"a": "y/q/v"}),
        ("/x", "/x/{a=**}", {"a": ""}),
        ("/x/", "/x/{a=**}", {"a": ""}),
        ("/x//y/", "/x/{a=**}", {"a": "/y/"}),  # inside `**` an empty segment is data
        ("/x/q/r/end", "/x/{a=**}/end", {"a": "q/r"}),
        ("/x/end", "/x/{a=**}/end", {"a": ""}),
        ("/x/q/the/end", "/x/{a=**}/the/end", {"a": "q"}),
        ("/n/q", "/n/{a}", {"a": "q"}),
        ("/n", "/n/{a=**}", {"a": ""}),
        ("/n/", "/n/{a=**}", {"a": ""}),  # `*` takes no empty segment
        ("/x/q/r:go", "/x/{a}/{b}:go", {"a": "q", "b": "r"}),
        ("/x/q/r:s:go", "/x/{a}/{b}:go", {"a": "q", "b": "r:s"}),
        ("/x/q:go/r", "/x/{a}/{b}", {"a": "q:go", "b": "r"}),  # only the last segment has a verb
        ("/x/q/r:stop", "/x/{a}/{b}", {"a": "q", "b": "r:stop"}),
        ("/x/q/r%3Ago", "/x/{a}/{b}", {"a": "q", "b": "r:go"}),
        ("/x/q/r:g%6F", "/x/{a}/{b}:go", {"a": "q", "b": "r"}),
        ("/x/y/z:go", "/x/{a}/{b}:go", {"a": "y", "b": "z"}),  # /x/y/z:go lacks the method
        ("/w:go", "/{a=**}:go", {"a": "w"}),
        ("/%78/y/%7a", "/x/y/z", {}),
    ],
)
def test_the_most_exact_route_wins_in_whatever_order_routes_were_added(
    compile_services: CompileServices, seed: int, path: str, template: str, captures: dict[str, str]
) -> None:
    routes = random.Random(seed).sample(PRECEDENCE, len(PRECEDENCE))
    assert found(table_of(compile_services, routes), "GET", path) == (template, captures)


@pytest.mark.parametrize("path", ["", "x", "/v2", "/v1/", "/v1//b", "/v1/a/", "/v1/a/b/c", "/v1:no", "//v1/a/b", "*"])
def test_a_path_without_a_route_is_not_found(compile_services: CompileServices, path: str) -> None:
    table = table_of(compile_services, ["GET /v1", "GET /v1/a", "GET /v1/{a}/b"])
    assert table.match("GET", path) == NotFound()


@pytest.mark.parametrize(
    ("method", "path", "outcome"),
    [
        ("GET", "/v1/x", "/v1/x"),
        ("POST", "/v1/x", "/v1/{a}"),  # falls through to a wildcard that has the method
        ("PURGE", "/v1/any", "/v1/any"),
        ("GET", "/v1/any", "/v1/any"),
        ("PUT", "/v1/x", ("DELETE", "GET", "POST")),
        ("get", "/v1/x", ("DELETE", "GET", "POST")),
        ("HEAD", "/v1/x/y", ("DELETE",)),
        ("GET", "/v1/x:go", ("DELETE", "PATCH", "POST")),  # with the verb and as data
    ],
)
def test_the_method_is_part_of_the_match(
    compile_services: CompileServices, method: str, path: str, outcome: str | tuple[str, ...]
) -> None:
    table = table_of(
        compile_services,
        ["GET /v1/x", "POST /v1/{a}", "DELETE /v1/{a=**}", "* /v1/any", "POST /v1/any", "PATCH /v1/{a}:go"],
    )
    if isinstance(outcome, tuple):
        assert table.match(method, path) == MethodNotAllowed(outcome)
    else:
        assert found(table, method, path)[0] == outcome


def test_an_exact_method_beats_the_one_for_all(compile_services: CompileServices) -> None:
    table = table_of(compile_services, ["* /v1/{a}", "GET /v1/{b}"])
    assert found(table, "GET", "/v1/q") == ("/v1/{b}", {"b": "q"})
    assert found(table, "PUT", "/v1/q") == ("/v1/{a}", {"a": "q"})


@pytest.mark.parametrize(
    ("template", "path", "captures"),
    [
        ("/v1/{a}", b"/v1/x%2Fy%20z+", {"a": "x/y z+"}),
        ("/v1/{a}", b"/v1/x%252Fy", {"a": "x%2Fy"}),
        ("/v1/{a}", b"/v1/%E4%B8%96", {"a": "世"}),
        ("/v1/{a}", "/v1/世".encode(), {"a": "世"}),
        ("/v1/{a}", b"/v1/%2A", {"a": "*"}),
        ("/v1/{a=x}", b"/v1/%78", {"a": "x"}),
        ("/v1/{a=**}", b"/v1/x%2fy%20z/%2F%25", {"a": "x%2fy z/%2F%"}),
        ("/v1/{a=**}", b"/v1/x%2Fy", {"a": "x%2Fy"}),  # one segment by chance; the form stays
        ("/v1/{a=x/*}", b"/v1/x/%2F%3A", {"a": "x/%2F:"}),
        ("/v1/{a}/{b=**}/z", b"/v1/%2C%2F/%2C%2F/z", {"a": ",/", "b": ",%2F"}),
        ("/v1/**/{a=x/y}/z", b"/v1/p/q/x/y/z", {"a": "x/y"}),
        ("/v1/{sub.id}:%67o", b"/v1/x:go", {"sub.id": "x"}),
        ("/v1/x%2Fy", b"/v1/x%2fy", {}),
    ],
)
def test_what_a_variable_takes_is_decoded_once(
    compile_services: CompileServices, template: str, path: bytes, captures: dict[str, str]
) -> None:
    table = table_of(compile_services, [f"GET {template}"])
    assert found(table, "GET", path) == (template, captures)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (b"/v1/%zz", "malformed percent-encoding"),
        (b"/v1/%2", "malformed percent-encoding"),
        (b"/v1/%", "malformed percent-encoding"),
        (b"/v1/%ff", "not UTF-8"),
        (b"/v1/\xff", "not UTF-8"),
        (b"/v2/x/%zz%2F", "malformed percent-encoding"),
        (b"/v2/x/%ff", "not UTF-8"),
    ],
)
def test_what_cannot_be_decoded_is_a_bad_request_that_names_the_variable(
    compile_services: CompileServices, path: bytes, reason: str
) -> None:
    table = table_of(compile_services, ["GET /v1/{sub.id}", "GET /v2/{sub.id=x/**}"])
    with pytest.raises(RpcFailure) as caught:
        table.match("GET", path)
    assert caught.value.http_status == 400
    assert caught.value.status.message.startswith("sub.id: ")
    assert reason in caught.value.status.message


def test_a_path_of_slashes_is_no_trouble(compile_services: CompileServices) -> None:
    table = table_of(compile_services, ["GET /x/{a=**}/end", "GET /x/{a}/{b}", "GET /{a}/**/end"])
    started = time.perf_counter()
    assert table.match("GET", b"/x" + b"/" * 64_000) == NotFound()
    assert found(table, "GET", b"/x" + b"/" * 64_000 + b"end")[1] == {"a": "/" * 63_998}
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("there", range(8))
def test_a_search_backs_out_of_every_branch_that_leads_nowhere(compile_services: CompileServices, there: int) -> None:
    """Each segment of the path fits a literal and a wildcard alike; one branch of the many has the right end."""
    routes = [f"GET /{'/'.join('*' if at == star else 'x' for at in range(8))}/w{star}" for star in range(8)]
    table = table_of(compile_services, [*routes, f"GET {'/*' * 8}/end"])
    assert found(table, "GET", f"{'/x' * 8}/w{there}")[0] == routes[there].removeprefix("GET ")
    assert found(table, "GET", f"{'/x' * 8}/end")[0] == "/*" * 8 + "/end"
    assert table.match("GET", f"{'/x' * 8}/none") == NotFound()


def test_a_route_holds_what_its_rule_says(compile_services: CompileServices) -> None:
    text = schema('post: "/v1/{sub.id}" body: "sub" response_body: "b" additional_bindings { get: "/v2/{a}" }')
    (first, second) = RouteTable.from_services(compile_services(text)).routes
    assert first.rpc.path == "/t.S/M0"
    assert (first.http_method, str(first.template), first.body.name) == ("POST", "/v1/{sub.id}", "sub")  # type: ignore[union-attr]
    assert [field.name for field in first.variables[0]] == ["sub", "id"]
    assert first.response_body is not None
    assert first.response_body.name == "b"
    assert (second.rpc, second.http_method, second.body, second.response_body) == (first.rpc, "GET", None, None)
    assert not first.answers_http_body


def test_an_http_body_answer_is_known_from_the_route(compile_services: CompileServices) -> None:
    services = compile_services(schema('get: "/v1"', response="google.api.HttpBody"))
    assert RouteTable.from_services(services).routes[0].answers_http_body


def test_a_method_without_a_rule_has_no_route(compile_services: CompileServices) -> None:
    services = compile_services(f"{SCHEMA} service S {{ rpc M(Req) returns (Req); }}")
    assert RouteTable.from_services(services).routes == ()


@pytest.mark.parametrize(
    ("defect", "complaint"),
    [
        ('get: "/v1/{nope}"', "template '/v1/{nope}': the variable 'nope' names no field 'nope' of t.Req"),
        ('get: "/v1/{sub.nope}"', "the variable 'sub.nope' names no field 'nope' of t.Sub"),
        ('get: "/v1/{a.b}"', "the variable 'a.b' names no field 'b'"),
        ('get: "/v1/{renamed}"', "names no field 'renamed'"),  # templates know the .proto file's names alone
        ('get: "/v1/{tags}"', "the variable 'tags' ends at a repeated field"),
        ('get: "/v1/{subs.id}"', "the variable 'subs.id' passes through the repeated field 'subs'"),
        ('get: "/v1/{labels}"', "the variable 'labels' ends at the map 'labels'"),
        ('get: "/v1/{sub}"', "the variable 'sub' ends at the message 'sub'"),
        ('get: "/v1/{extra}"', "the variable 'extra' ends at a google.protobuf.Struct"),
        ('get: "/v1/{mask}"', "the variable 'mask' ends at a google.protobuf.FieldMask"),
        ('get: "/v1/{at.seconds}"', "the variable 'at.seconds' names no field 'seconds'"),
        ('get: "/v1/{a}/{a}"', "column 9: the variable 'a' stands twice"),
        ('get: "/v1/"', "column 5: a segment is missing"),
        ('get: ""', "a rule has no HTTP method and path"),
        ('custom { path: "/v1" }', "a rule has no HTTP method and path"),
        ('body: "*"', "a rule has no HTTP method and path"),
        ('post: "/v1" body: "nope"', "template '/v1': body names no field 'nope' of t.Req"),
        ('post: "/v1" body: "sub.id"', "body names no field 'sub.id' of t.Req"),
        ('get: "/v1" response_body: "nope"', "response_body names no field 'nope' of t.Req"),
        (
            'get: "/v1" additional_bindings { get: "/v2" additional_bindings { get: "/v3" } }',
            "additional_bindings stand inside additional_bindings",
        ),
        ('get: "/v1" additional_bindings { get: "/v1" }', "GET /v1 is taken by t.S.M0: GET /v1"),
        ('get: "/v1/{a}" additional_bindings { get: "/v1/{b}" }', "GET /v1/{b} is taken by t.S.M0: GET /v1/{a}"),
        ('get: "/v1/{a=x/*}" additional_bindings { get: "/v1/x/*" }', "GET /v1/x/* is taken by t.S.M0"),
        ('get: "/v1/**/x:go" additional_bindings { get: "/v1/{a=**}/x:go" }', "is taken by t.S.M0: GET /v1/**/x:go"),
    ],
)
def test_a_defect_stops_the_start_and_names_the_method(
    compile_services: CompileServices, defect: str, complaint: str
) -> None:
    with pytest.raises(RouteErrors) as caught:
        RouteTable.from_services(compile_services(schema(defect)))
    (only,) = caught.value.complaints
    assert only.startswith("t.S.M0: ")
    assert complaint in only


def test_all_defects_are_told_at_once(compile_services: CompileServices) -> None:
    services = compile_services(schema('get: "/v1/{nope}" body: "nope"', 'get: "v1"', 'get: "/v1/{a}"', 'get: "/v1/*"'))
    with pytest.raises(RouteErrors) as caught:
        RouteTable.from_services(services)
    owners = [complaint.partition(":")[0] for complaint in caught.value.complaints]
    assert owners == ["t.S.M0", "t.S.M0", "t.S.M1", "t.S.M3"]
    assert str(caught.value).count("\n") == 3


@pytest.mark.parametrize("route", ["/v1/{at}", "/v1/{size}", "/v1/{number}", "/v1/{other}"])
def test_scalars_wrappers_and_times_may_stand_in_a_path(compile_services: CompileServices, route: str) -> None:
    assert found(table_of(compile_services, [f"GET {route}"]), "GET", "/v1/7")[0] == route


@pytest.mark.parametrize(
    ("shape", "other"),
    [
        ("GET /v1/a", "POST /v1/a"),
        ("GET /v1/{a}", "GET /v1/{a=**}"),
        ("GET /v1/{a}", "GET /v1/{a}:go"),
        ("GET /v1/*", "GET /v1/%2A"),
        ("GET /v1/**", "GET /v1/**/x"),
        ("GET /v1/a", "* /v1/a"),
    ],
)
def test_routes_that_differ_do_not_collide(compile_services: CompileServices, shape: str, other: str) -> None:
    assert len(table_of(compile_services, [shape, other]).routes) == 2


@pytest.mark.parametrize(
    ("method", "path", "rpc", "captures"),
    [
        ("POST", "/v1beta:chatCompletions", "ChatCompletions", ()),
        ("POST", "/v1/chat/completions", "ChatCompletions", ()),
        ("POST", "/v1beta/embeddings:generate", "GenerateEmbeddings", ()),
        ("GET", "/v1beta/listModels", "ListModels", ()),
        ("GET", "/v1/models/models%2Fx", "GetModel", ("models/x",)),
        ("GET", "/v1/models/models/x", "GetModel", ("models/x",)),
        ("GET", "/v1/models/ft:base:org", "GetModel", ("ft:base:org",)),
    ],
)
def test_the_contract_is_routed(method: str, path: str, rpc: str, captures: tuple[str, ...]) -> None:
    match = RouteTable.from_services(built_in_services()).match(method, path)
    assert isinstance(match, Match)
    assert (match.route.rpc.descriptor.name, match.captures) == (rpc, captures)


def test_a_path_of_the_operators_is_reserved(compile_services: CompileServices) -> None:
    services = compile_services(schema(rule("GET /healthz")))
    with pytest.raises(RouteErrors, match="GET /healthz is reserved for operators"):
        RouteTable.from_services(services, frozenset({"/healthz"}))
