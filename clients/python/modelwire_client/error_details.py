"""What the errors of calls carry beside their code and their message."""

from typing import TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2

Detail = TypeVar("Detail", bound=Message)


def status_of(error: grpc.RpcError) -> status_pb2.Status:
    """The google.rpc.Status of a failed call, sync or aio; without details where the error did not come from modelwire,
    as when no server was reached.
    """
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return status_pb2.Status.FromString(value)
    return status_pb2.Status(code=error.code().value[0], message=error.details())


def error_detail(error: grpc.RpcError, kind: type[Detail]) -> Detail:
    """The detail of that kind (google.rpc.BadRequest, ErrorInfo, RetryInfo); an empty one where the error has none."""
    found = kind()
    for packed in status_of(error).details:
        if packed.Unpack(found):
            break
    return found
