"""The cases of cases/transcoding.json, group by group: facts about google.api.http in the form of data.

Cases about templates, paths and requests run through the modules of the pipeline. The others run end to end:
over HTTP on a real port, through either backend, to a service that answers as the case has it.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf import json_format, message_factory
from modelwire_gateway.app import Transcoder
from modelwire_gateway.errors import RpcFailure, status_row
from modelwire_gateway.json_codec import Codecs
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.requests.binding import Binder
from modelwire_gateway.requests.query import read_query
from modelwire_gateway.routing.field_paths import FieldNames
from modelwire_gateway.routing.path_template import TemplateError, parse_template
from modelwire_gateway.routing.routes import Match, RouteErrors, RouteTable
from support.asgi_calls import AsgiCall
from support.case_echo import FIRST_CHUNK_FIRST, Case, Echo, echo_proto
from support.fronted import over_http
from support.images import CompileServices
from support.scripted_service import ScriptedService, backend_to

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
    binder = Binder(match.route, Codecs(), FieldNames(), GatewayOptions())
    wire = binder.message(match.captures, read_query(case.get("query", "").encode()).fields, raw_body, content_type)
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


ACCEPT = {"array": "application/json", "ndjson": "application/x-ndjson", "sse": "text/event-stream"}
RUN_BY_THEMSELVES = {"http_trailers", FIRST_CHUNK_FIRST, "same_rpc"}


@asynccontextmanager
async def echoing(
    compile_services: CompileServices, case: Case, backend: str, proto: str | None = None
) -> AsyncIterator[tuple[Echo, Transcoder]]:
    services = compile_services(proto or echo_proto(case, SCHEMAS["D1"]["descriptor"]))
    echo = Echo(case, services[0])
    limit = case.get("limit_request_bytes", GatewayOptions().max_request_bytes)
    async with backend_to(backend, ScriptedService(services, Echo=echo.behaviour)) as to_echo:
        yield echo, Transcoder(services, to_echo, GatewayOptions(max_request_bytes=limit))


async def check_answer(client: httpx.AsyncClient, echo: Echo) -> None:
    case, expected = echo.case, dict(echo.case["expect"])
    headers = {"accept": ACCEPT[case.get("framing", "array")], **case.get("headers", {})}
    path, body = case.get("path", "/v1/echo"), case.get("body", "")
    said, end = b"", "complete"
    async with client.stream(case.get("method", "GET"), path, content=body, headers=headers) as response:
        try:
            async for piece in response.aiter_bytes():
                said += piece
        except httpx.RemoteProtocolError:
            end = "abort"
    seen = {
        "http_status": response.status_code,
        "headers": response.headers,
        "body": said.decode(),
        "json": said,
        "body_lines": said.decode().splitlines(),
        "end": end,
        "metadata": echo.metadata,
        "metadata_bin": echo.metadata,
    }
    assert end == expected.pop("end", "complete")
    for what, value in ({"http_status": 200} | expected).items():
        CHECKS[what](seen[what], value)


def check_headers(seen: httpx.Headers, expected: Mapping[str, str]) -> None:
    for name, value in expected.items():
        if name == "allow":
            assert sorted(seen[name].split(", ")) == sorted(value.split()[0].split(","))
        else:
            assert seen[name] == value


def check_lines(seen: list[str], expected: list[str]) -> None:
    *messages, error = seen
    assert messages == expected[:-1]
    assert json.loads(error)["error"]["status"]


def check_equal(seen: object, expected: object) -> None:
    assert seen == expected


def check_json(seen: bytes, expected: object) -> None:
    assert json.loads(seen) == expected


def check_metadata(seen: dict[str, str | bytes], expected: dict[str, str]) -> None:
    assert seen.items() >= expected.items()


def check_binary_metadata(seen: dict[str, str | bytes], expected: dict[str, str]) -> None:
    assert seen.items() >= {name: bytes.fromhex(value) for name, value in expected.items()}.items()


CHECKS: dict[str, Callable[[Any, Any], None]] = {
    "http_status": check_equal,
    "headers": check_headers,
    "body": check_equal,
    "body_lines": check_lines,
    "json": check_json,
    "metadata": check_metadata,
    "metadata_bin": check_binary_metadata,
}


def end_to_end() -> pytest.MarkDecorator:
    groups = ("response", "error", "routing", "limits", "header")
    cases = [case for case in CASES if case["group"] in groups and not case["expect"].keys() & RUN_BY_THEMSELVES]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case["id"])


def case_of(expectation: str) -> Case:
    return next(case for case in CASES if expectation in case.get("expect", {}))


@end_to_end()
async def test_end_to_end(compile_services: CompileServices, case: Case, backend: str) -> None:
    async with echoing(compile_services, case, backend) as (echo, app), over_http(app) as client:
        await check_answer(client, echo)


async def test_the_first_chunk_arrives_before_the_second_exists(
    compile_services: CompileServices, backend: str
) -> None:
    responses = [{"data_text": "first"}, {"data_text": "second"}]
    case = {**case_of(FIRST_CHUNK_FIRST), "grpc_response": responses}
    async with (
        echoing(compile_services, case, backend) as (echo, app),
        over_http(app) as client,
        client.stream("GET", "/v1/echo") as response,
    ):
        pieces = response.aiter_bytes()
        first = await anext(pieces)
        echo.between.set()
        assert [first, *[piece async for piece in pieces]] == [b"first", b"second"]


async def test_trailers_where_the_server_offers_them(compile_services: CompileServices, backend: str) -> None:
    case = case_of("http_trailers")
    async with echoing(compile_services, case, backend) as (_, app):
        call = await AsgiCall("GET", "/v1/echo", headers=case["headers"].items(), offers_trailers=True).run(app)
        unasked = await AsgiCall("GET", "/v1/echo", offers_trailers=True).run(app)
    assert call.trailers == {name.lower(): value for name, value in case["expect"]["http_trailers"].items()}
    assert unasked.trailers is None


async def test_additional_bindings_are_the_same_call(compile_services: CompileServices, backend: str) -> None:
    """As its note has it: the second of the three takes its body into the field `name`."""
    case = case_of("same_rpc")
    proto = echo_proto(case, SCHEMAS["D1"]["descriptor"]).replace('body: "*"', 'body: "name"')
    async with echoing(compile_services, case, backend, proto) as (echo, app), over_http(app) as client:
        await client.get("/v1/echo/x")
        await client.post("/v2/echo", content=b'"x"')
        await client.get("/v2/echo?name=x")
    assert echo.requests == [b"\x0a\x01x"] * 3
