"""One table, both directions; a body both OpenAI's and Google's clients read."""

import base64
import json

import grpc
import pytest
from google.protobuf import struct_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import code_pb2, error_details_pb2, status_pb2
from modelwire_gateway.errors import (
    STATUS_TABLE,
    ErrorShape,
    RpcFailure,
    detail_json,
    error_body,
    failure,
    retry_after,
    status_row,
)
from modelwire_gateway.json_codec import Codecs, JsonOptions

HTTP_STATUS = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
}


@pytest.mark.parametrize("name", HTTP_STATUS)
def test_all_seventeen_codes(name: str) -> None:
    row = status_row(code_pb2.Code.Value(name))
    assert (row.name, row.http_status) == (name, HTTP_STATUS[name])
    assert grpc.StatusCode[name].value[0] == row.code
    if name != "OK":
        error = error_body(failure(name, "why"))["error"]
        assert (error["code"], error["status"], error["message"]) == (row.http_status, name, "why")
        assert error["type"] == row.error_type
        assert error["param"] is None


def test_the_table_is_whole() -> None:
    assert {row.name for row in STATUS_TABLE} == set(code_pb2.Code.keys())


def test_a_code_nobody_defined_is_unknown() -> None:
    assert RpcFailure(status_pb2.Status(code=99)).http_status == 500


def test_the_first_field_is_the_param() -> None:
    error = error_body(failure("INVALID_ARGUMENT", "must be a number", field="temperature"))["error"]
    assert (error["param"], error["message"]) == ("temperature", "temperature: must be a number")
    assert error["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "INVALID_REQUEST",
            "domain": "modelwire.dev",
        },
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "temperature", "description": "must be a number"}],
        },
    ]


def test_an_http_status_of_its_own_decides_the_type() -> None:
    error = error_body(failure("UNIMPLEMENTED", "POST only", http_status=405))["error"]
    assert (error["code"], error["type"]) == (405, "invalid_request_error")


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param(AnyMessage(type_url="type.googleapis.com/nobody.Knows", value=b"\x01"), id="unknown type"),
        pytest.param(AnyMessage(type_url="type.googleapis.com/google.rpc.BadRequest", value=b"\xff"), id="broken"),
        pytest.param(AnyMessage(type_url="", value=b"\x01"), id="no type"),
        pytest.param(AnyMessage(type_url="x/google.protobuf.Struct", value=b"\x0a\x02\x12\x7f"), id="cut short"),
    ],
)
@pytest.mark.parametrize("shape", ["openai", "status"])
def test_a_detail_nobody_can_read_is_passed_on_undecoded(detail: AnyMessage, shape: ErrorShape) -> None:
    body = error_body(RpcFailure(status_pb2.Status(code=5, message="gone", details=[detail])), shape)
    error = body.get("error", body)
    encoded = base64.b64encode(detail.value).decode()
    assert (error["code"], error["message"]) == (404 if shape == "openai" else 5, "gone")
    assert error["details"] == [{"@type": detail.type_url, "value": encoded}]


def test_a_detail_of_nothing_is_nothing() -> None:
    assert error_body(RpcFailure(status_pb2.Status(code=5, details=[AnyMessage()])))["error"]["details"] == [{}]


def test_details_are_plain_json() -> None:
    error = RpcFailure(status_pb2.Status(code=5))
    numbers = struct_pb2.ListValue()
    numbers.extend([0.5] * 20)
    error.status.details.add().Pack(numbers)
    assert json.loads(json.dumps(error_body(error)))["error"]["details"][0]["value"] == [0.5] * 20


def test_the_body_may_be_the_bare_status() -> None:
    error = failure("UNIMPLEMENTED", "POST only", reason="METHOD_NOT_ALLOWED", http_status=405)
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "METHOD_NOT_ALLOWED", "domain": "modelwire.dev",
    }  # fmt: skip
    assert error_body(error, "status") == {"code": 12, "message": "POST only", "details": [detail]}
    assert error_body(failure("ABORTED", "late"), "status") == {"code": 10, "message": "late", "details": []}


def test_details_are_of_the_types_that_a_gateway_serves() -> None:
    file = FileDescriptorProto(name="own.proto", package="own", syntax="proto3")
    file.message_type.add(name="Own").field.add(
        name="page_token", json_name="pageToken", number=1, label="LABEL_OPTIONAL", type="TYPE_STRING"
    )
    pool = DescriptorPool()
    pool.Add(file)
    error = RpcFailure(
        status_pb2.Status(code=5, details=[AnyMessage(type_url="type.googleapis.com/own.Own", value=b"\x0a\x01x")])
    )
    error.status.details.add().Pack(error_details_pb2.ErrorInfo(reason="WHY"))
    for options, name in ((JsonOptions(), "pageToken"), (JsonOptions(proto_field_names=True), "page_token")):
        own, info = error_body(error, detail_json=detail_json(Codecs(options), [DescriptorPool(), pool]))["error"][
            "details"
        ]
        assert own == {"@type": "type.googleapis.com/own.Own", name: "x"}
        assert info == {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "WHY"}


def test_retry_after_is_read_from_retry_info() -> None:
    status = status_pb2.Status(code=8)
    assert retry_after(status) is None
    status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay={"seconds": 2, "nanos": 500_000_000}))
    assert retry_after(status) == 2.5
