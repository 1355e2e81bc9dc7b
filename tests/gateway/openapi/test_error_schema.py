from typing import Literal

import pytest
from google.rpc import status_pb2
from modelwire_gateway.errors import STATUS_TABLE, RpcFailure, error_body, failure
from modelwire_gateway.openapi.error_schema import error_schema
from modelwire_gateway.options import GatewayOptions
from support.openapi import check, takes

FAILURES = [
    *(RpcFailure(status_pb2.Status(code=row.code)) for row in STATUS_TABLE if row.code),
    RpcFailure(status_pb2.Status(code=99, message="of a code nobody defined")),
    failure("INVALID_ARGUMENT", "is wrong", field="a.b"),
    failure("INVALID_ARGUMENT", "is too large", http_status=413, reason="REQUEST_TOO_LARGE"),
]


@pytest.mark.parametrize("shape", ["openai", "status"])
@pytest.mark.parametrize("error", FAILURES, ids=[f"{e.status.code}-{e.http_status}-{e}" for e in FAILURES])
def test_error_bodies_keep_their_schema(error: RpcFailure, shape: Literal["openai", "status"]) -> None:
    schema = error_schema(GatewayOptions(error_body=shape))
    body = error_body(error, shape)
    check({"components": {}}, schema, body)
    assert not takes({"components": {}}, schema, {**body, "more": 1})
    assert not any(takes({"components": {}}, schema, {k: v for k, v in body.items() if k != name}) for name in body)
