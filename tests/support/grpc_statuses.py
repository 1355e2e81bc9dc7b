"""What gRPC's errors carry in their trailing metadata."""

import grpc
from google.rpc import status_pb2


def status_of(error: grpc.RpcError) -> status_pb2.Status:
    """The google.rpc.Status of an error, which must have one."""
    [encoded] = [value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"]
    return status_pb2.Status.FromString(encoded)
