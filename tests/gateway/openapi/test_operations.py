import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from modelwire_gateway.openapi.operations import short_names
from modelwire_gateway.sources.descriptors import services_in_image
from support.openapi import Document, Json


def ids(document: Json) -> dict[tuple[str, str], str]:
    return {
        (method, path): operation["operationId"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (
            ['get: "/x" additional_bindings { get: "/y" } additional_bindings { post: "/x" body: "*" }'],
            {("get", "/x"): "S_M0", ("get", "/y"): "S_M0_2", ("post", "/x"): "S_M0_3"},
        ),
        # One path item, whose names are those of its first route.
        (['get: "/x/{a}"', 'put: "/x/{b}" body: "*"'], {("get", "/x/{a}"): "S_M0", ("put", "/x/{a}"): "S_M1"}),
        (
            ['get: "/x/{a=y/*}"', 'delete: "/x/y/{b}"'],
            {("get", "/x/y/{yId}"): "S_M0", ("delete", "/x/y/{yId}"): "S_M1"},
        ),
        # One operation; the route of one segment speaks.
        (['get: "/x/{a}" additional_bindings { get: "/x/{a=**}" }'], {("get", "/x/{a}"): "S_M0"}),
        (['get: "/x/{b=**}"', 'get: "/x/{a}"'], {("get", "/x/{b}"): "S_M1"}),
        (['custom { kind: "HEAD" path: "/x" }', 'custom { kind: "LIST" path: "/y" }'], {("head", "/x"): "S_M0"}),
        (['custom { kind: "get" path: "/x" }'], {}),
        (
            ['custom { kind: "*" path: "/x/{a}" }', 'get: "/x/{b}"'],
            {
                ("put", "/x/{a}"): "S_M0",
                ("post", "/x/{a}"): "S_M0_2",
                ("delete", "/x/{a}"): "S_M0_3",
                ("patch", "/x/{a}"): "S_M0_4",
                ("get", "/x/{a}"): "S_M1",
            },
        ),
    ],
)
def test_routes_become_operations(routed: Document, rules: list[str], expected: dict[tuple[str, str], str]) -> None:
    assert ids(routed(*rules)) == expected


def test_parameters_of_one_path_item_share_its_names(routed: Document) -> None:
    document = routed('post: "/x/{a}" body: "*"', 'put: "/x/{b}" body: "*"', fields="int32 a = 1; bool b = 2;")
    post, put = (document["paths"]["/x/{a}"][method] for method in ("post", "put"))
    shown = [
        (parameter["name"], parameter["schema"]["type"]) for found in (post, put) for parameter in found["parameters"]
    ]
    assert shown == [("a", "integer"), ("a", "boolean")]
    assert list(put["requestBody"]["content"]["application/json"]["schema"]["properties"]) == ["a"]


def test_a_parameter_takes_slashes_if_any_route_to_its_method_does(routed: Document) -> None:
    document = routed('get: "/x/{a}" additional_bindings { get: "/x/{a=**}" }')
    (parameter,) = (p for p in document["paths"]["/x/{a}"]["get"]["parameters"] if p["in"] == "path")
    assert parameter["description"] == "May hold slashes, as they are."


def test_a_route_that_has_no_operation_of_its_own_is_told_of(routed: Document) -> None:
    operation = routed('get: "/x/{b=**}"', 'get: "/x/{a}"')["paths"]["/x/{b}"]["get"]
    assert operation["description"] == "`/x/{b=**}` leads to `t.S.M0`."
    assert "description" not in operation["parameters"][0]


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("", {}),
        ("// Gets it.", {"summary": "Gets it"}),
        ("// Gets it. At once.", {"summary": "Gets it", "description": "Gets it. At once."}),
    ],
)
def test_comments_tell_of_a_method(document: Document, comment: str, told: Json) -> None:
    rpc = 'rpc Get(M) returns (M) { option (google.api.http) = { get: "/x" }; }'
    operation = document(f"message M {{}} service S {{\n{comment}\n{rpc} }}")["paths"]["/x"]["get"]
    assert {name: operation[name] for name in ("summary", "description") if name in operation} == told


def test_a_deprecated_method_is_a_deprecated_operation(document: Document) -> None:
    rpc = 'rpc Get(M) returns (M) { option (google.api.http) = { get: "/x" }; option deprecated = true; }'
    assert document(f"message M {{}} service S {{ {rpc} }}")["paths"]["/x"]["get"]["deprecated"] is True


def test_ids_are_unique_whatever_methods_are_called(document: Document) -> None:
    rpcs = (
        f'rpc {name}(M) returns (M) {{ option (google.api.http) = {{ get: "/{name}" {more} }}; }}'
        for name, more in (("Get", 'additional_bindings { get: "/again" }'), ("Get_2", ""))
    )
    made = ids(document(f"message M {{}} service S {{ {' '.join(rpcs)} }}"))
    assert list(made.values()) == ["S_Get", "S_Get_2", "S_Get_2_2"]


def test_services_are_tags(document: Document) -> None:
    rpc = 'rpc Get(M) returns (M) { option (google.api.http) = { get: "/x" }; }'
    made = document(f"message M {{}}\n// Serves.\nservice S {{ {rpc} }}")
    assert made["tags"] == [{"name": "S", "description": "Serves."}]
    assert made["paths"]["/x"]["get"]["tags"] == ["S"]


def test_services_of_one_name_go_by_their_full_names() -> None:
    files = FileDescriptorSet()
    for package, name in (("a.v1", "S"), ("b.v1", "S"), ("b.v1", "T")):
        file = files.file.add(name=f"{package}.{name}.proto", package=package)
        file.service.add(name=name)
    services = services_in_image(files.SerializeToString())
    assert short_names(services) == {"a.v1.S": "a.v1.S", "b.v1.S": "b.v1.S", "b.v1.T": "T"}
