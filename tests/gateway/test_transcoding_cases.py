"""The cases of cases/transcoding.json, group by group: facts about google.api.http in the form of data.

A case of a group that has a runner here is run through the modules of the pipeline, without an HTTP app.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.binding import bind_request
from modelwire_gateway.errors import RpcFailure, status_row
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.path_template import TemplateError, parse_template
from modelwire_gateway.routes import Match, RouteErrors, RouteTable

Case = Mapping[str, Any]
CompileServices = Callable[[str], tuple[ServiceDescriptor, ...]]

CASES: list[Case] = json.loads((Path(__file__).parent / "cases" / "transcoding.json").read_text())
SCHEMAS = {case["id"]: case for case in CASES if case["group"] == "descriptor"}


def of_group(group: str) -> pytest.MarkDecorator:
    cases = [case for case in CASES if case["group"] == group]
    assert cases
    return pytest.mark.parametrize("case", cases, ids=lambda case: case["id"])


def route_table(compile_services: CompileServices, case: Case) -> RouteTable:
    """The routes of a case, each a method of one service."""
    schema, request = schema_of(case)
    methods = "".join(
        f"rpc M{at}({request}) returns ({request}) {{ option (google.api.http) = {{ {rule} }}; }}\n"
        for at, rule in enumerate(rules_of(case))
    )
    annotated = f'{schema}\nimport "google/api/annotations.proto";\nservice Cases {{ {methods} }}'
    return RouteTable.from_services(compile_services(annotated))


def rules_of(case: Case) -> list[str]:
    """The google.api.HttpRule of each route, as text."""
    routes = case.get("routes") or [case]
    body = f'body: "{case["rule_body"]}"' if "rule_body" in case else ""
    return [f'custom {{ kind: "{route["method"]}" path: "{route["template"]}" }} {body}' for route in routes]


def schema_of(case: Case) -> tuple[str, str]:
    """A .proto file and its request message: the case's own, or one with a text field for each variable."""
    if "descriptor" in case:
        schema = SCHEMAS[case["descriptor"]]
        return schema["descriptor"], schema["request_type"]
    templates = [parse_template(route["template"]) for route in case["routes"]]
    names = {variable.field_path for template in templates for variable in template.variables}
    fields = "".join(f"string {name} = {at}; " for at, name in enumerate(sorted(names - {"t.id"}), 1))
    return f'syntax = "proto3"; package t; message T {{ string id = 1; }} message R {{ {fields} T t = 99; }}', "t.R"


def bound_message(table: RouteTable, case: Case) -> dict[str, Any]:
    match = table.match(case["method"], case["path"])
    assert isinstance(match, Match)
    body = case.get("body", "")
    raw_body = body.encode() if isinstance(body, str) else bytes.fromhex(body["hex"])
    content_type = case.get("headers", {}).get("content-type")
    wire = bind_request(match, case.get("query", "").encode(), raw_body, content_type, GatewayOptions())
    message = message_factory.GetMessageClass(match.route.rpc.descriptor.input_type).FromString(wire)
    return json_format.MessageToDict(message)


def check_binding(table: RouteTable, case: Case) -> None:
    expected = case["expect"]
    if "message" in expected:
        assert bound_message(table, case) == expected["message"]
        return
    with pytest.raises(RpcFailure) as caught:
        bound_message(table, case)
    assert caught.value.http_status == expected["http_status"]
    assert status_row(caught.value.status.code).name == expected.get("grpc_status", "INVALID_ARGUMENT")


@of_group("template-parse")
def test_template_parse(case: Case) -> None:
    expected = case["expect"]
    if expected["parse"] == "error":
        with pytest.raises(TemplateError):
            parse_template(case["template"])
        return
    template = parse_template(case["template"])
    variables = [{"field": v.field_path, "from": v.start, "to": v.end} for v in template.variables]
    assert list(template.segments) == expected["segments"]
    assert template.verb == expected["verb"]
    assert variables == expected["variables"]


@of_group("path-match")
def test_path_match(compile_services: CompileServices, case: Case) -> None:
    expected = case["expect"]
    if expected.get("startup") == "error":
        with pytest.raises(RouteErrors):
            route_table(compile_services, case)
        return
    table = route_table(compile_services, case)
    if "http_status" in expected:
        with pytest.raises(RpcFailure) as caught:
            table.match(case["method"], case["path"])
        assert caught.value.http_status == expected["http_status"]
        return
    match = table.match(case["method"], case["path"])
    assert isinstance(match, Match) is expected["match"]
    if isinstance(match, Match):
        names = [variable.field_path for variable in match.route.template.variables]
        assert str(match.route.template) == expected["template"]
        assert dict(zip(names, match.captures, strict=True)) == expected["bindings"]


@of_group("query-binding")
def test_query_binding(compile_services: CompileServices, case: Case) -> None:
    check_binding(route_table(compile_services, case), case)


@of_group("body-binding")
def test_body_binding(compile_services: CompileServices, case: Case) -> None:
    check_binding(route_table(compile_services, case), case)
