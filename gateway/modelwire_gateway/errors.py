"""The one error model of the gateway: a google.rpc.Status in, an HTTP status and a JSON body out.

Whatever goes wrong is an `RpcFailure`: the gateway raises it for requests it refuses itself, backends
raise it for calls that end with a status other than OK. Every error answer is made from it alone.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import orjson
from google.protobuf import descriptor_pool
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from modelwire_gateway.json_codec import Codecs, JsonError, dump_json


@dataclass(frozen=True, slots=True)
class StatusRow:
    """How one canonical code (google/rpc/code.proto) shows in HTTP and in OpenAI's error object."""

    code: int
    name: str
    http_status: int
    error_type: str


STATUS_TABLE: Final = (
    StatusRow(0, "OK", 200, ""),
    StatusRow(1, "CANCELLED", 499, "request_cancelled"),
    StatusRow(2, "UNKNOWN", 500, "server_error"),
    StatusRow(3, "INVALID_ARGUMENT", 400, "invalid_request_error"),
    StatusRow(4, "DEADLINE_EXCEEDED", 504, "timeout_error"),
    StatusRow(5, "NOT_FOUND", 404, "invalid_request_error"),
    StatusRow(6, "ALREADY_EXISTS", 409, "conflict_error"),
    StatusRow(7, "PERMISSION_DENIED", 403, "permission_error"),
    StatusRow(8, "RESOURCE_EXHAUSTED", 429, "rate_limit_error"),
    StatusRow(9, "FAILED_PRECONDITION", 400, "invalid_request_error"),
    StatusRow(10, "ABORTED", 409, "conflict_error"),
    StatusRow(11, "OUT_OF_RANGE", 400, "invalid_request_error"),
    StatusRow(12, "UNIMPLEMENTED", 501, "server_error"),
    StatusRow(13, "INTERNAL", 500, "server_error"),
    StatusRow(14, "UNAVAILABLE", 503, "server_error"),
    StatusRow(15, "DATA_LOSS", 500, "server_error"),
    StatusRow(16, "UNAUTHENTICATED", 401, "authentication_error"),
)
ERROR_DOMAIN: Final = "modelwire.dev"
"""The domain of the google.rpc.ErrorInfo in errors that the gateway makes itself."""

ErrorShape = Literal["openai", "status"]
DetailJson = Callable[[AnyMessage], dict[str, Any]]

_Detail = TypeVar("_Detail", bound=Message)

_ROWS: Final = {row.code: row for row in STATUS_TABLE}
_CODES: Final = {row.name: row.code for row in STATUS_TABLE}


def status_row(code: int) -> StatusRow:
    """The row of a canonical code; a code nobody defined counts as UNKNOWN, as gRPC has it."""
    return _ROWS.get(code) or _ROWS[2]


class RpcFailure(Exception):
    """A call that ended with a status other than OK.

    `http_status` replaces the table's where HTTP is more exact than the code (405, 413, 415);
    `headers` are answered beside the body; `trailing_metadata` is the call's own.
    """

    def __init__(
        self,
        status: status_pb2.Status,
        *,
        http_status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        trailing_metadata: tuple[tuple[str, str | bytes], ...] = (),
    ) -> None:
        super().__init__(status.message)
        self.status = status
        self.http_status = http_status or status_row(status.code).http_status
        self.headers = headers
        self.trailing_metadata = trailing_metadata


def failure(
    code: str,
    message: str,
    *,
    field: str | None = None,
    reason: str | None = None,
    http_status: int | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> RpcFailure:
    """An `RpcFailure` of the canonical `code` ("INVALID_ARGUMENT").

    With `field`, the path of the offending field, the status carries a google.rpc.BadRequest and the
    message reads `field: message`. `reason` is that of a google.rpc.ErrorInfo; INVALID_REQUEST where a field is named.
    """
    reason = reason or ("INVALID_REQUEST" if field else None)
    status = status_pb2.Status(code=_CODES[code], message=f"{field}: {message}" if field else message)
    if reason:
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=ERROR_DOMAIN))
    if field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=message)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    return RpcFailure(status, http_status=http_status, headers=tuple(headers))


def detail_json(codecs: Codecs, pools: Sequence[DescriptorPool]) -> DetailJson:
    """Writes details whose types are in one of `pools`, or are google.rpc's own, as proto3 JSON.

    One of an unknown type or with broken bytes is passed on undecoded: what else it is cannot be told.
    """

    def to_json(detail: AnyMessage) -> dict[str, Any]:
        wire = detail.SerializeToString()
        for pool in pools:
            with suppress(JsonError):
                written: dict[str, Any] = orjson.loads(dump_json(codecs.decode_any(wire, pool)))
                return written
        return {"@type": detail.type_url, "value": base64.b64encode(detail.value).decode("ascii")}

    return to_json


_STANDARD_DETAILS: Final = detail_json(Codecs(), [descriptor_pool.Default()])


def error_body(
    error: RpcFailure, shape: ErrorShape = "openai", detail_json: DetailJson = _STANDARD_DETAILS
) -> dict[str, Any]:
    """The JSON answer.

    `openai` is `{"error": {…}}`, readable by OpenAI's and by Google's clients (AIP-193). `status` is the bare
    google.rpc.Status, with gRPC's number of the code.
    """
    details = [detail_json(detail) for detail in error.status.details]
    if shape == "status":
        return {"code": error.status.code, "message": error.status.message, "details": details}
    return {"error": _openai_error(error) | {"details": details}}


def _openai_error(error: RpcFailure) -> dict[str, Any]:
    row = status_row(error.status.code)
    # A status of HTTP's own (405, 413, 415) says more than the code does: it is the request that must change.
    error_type = row.error_type if error.http_status == row.http_status else "invalid_request_error"
    return {
        "code": error.http_status,
        "status": row.name,
        "message": error.status.message,
        "type": error_type,
        "param": _first_field(error.status),
    }


def retry_after(status: status_pb2.Status) -> float | None:
    """Seconds to wait before another try, where the status carries a google.rpc.RetryInfo."""
    info = _detail(status, error_details_pb2.RetryInfo())
    return None if info is None else float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)


def _first_field(status: status_pb2.Status) -> str | None:
    request = _detail(status, error_details_pb2.BadRequest())
    return request.field_violations[0].field or None if request and request.field_violations else None


def _detail(status: status_pb2.Status, detail: _Detail) -> _Detail | None:
    """`detail` filled from the first of its type that can be read."""
    for packed in status.details:
        try:
            if packed.Unpack(detail):
                return detail
        except DecodeError:
            continue
    return None
