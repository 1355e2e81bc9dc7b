"""How a call that ended badly becomes an RpcFailure, whichever backend made it."""

from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from modelwire_gateway.backends.base import Metadata
from modelwire_gateway.errors import RpcFailure, status_row

STATUS_DETAILS: Final = "grpc-status-details-bin"
_TOO_LARGE: Final = "larger than max"


def failure_of(code: Any, message: str | None, trailing: Metadata) -> RpcFailure:
    """The RpcFailure of a call's final code, message and trailing metadata.

    A message over a channel's limit ends as RESOURCE_EXHAUSTED in gRPC; HTTP has 413 for it.
    """
    number = code.value[0] if isinstance(code, grpc.StatusCode) else int(code)
    status = _status_in(trailing) or status_pb2.Status(code=number, message=message or "")
    too_large = status_row(status.code).name == "RESOURCE_EXHAUSTED" and _TOO_LARGE in status.message
    return RpcFailure(
        status,
        http_status=413 if too_large else None,
        trailing_metadata=tuple((key, value) for key, value in trailing if key != STATUS_DETAILS),
    )


def _status_in(trailing: Metadata) -> status_pb2.Status | None:
    """The status with its details, if the trailers hold a readable one that says what went wrong."""
    for key, value in trailing:
        if key == STATUS_DETAILS and isinstance(value, bytes):
            try:
                status = status_pb2.Status.FromString(value)
            except DecodeError:
                return None
            return status if status.code else None
    return None
