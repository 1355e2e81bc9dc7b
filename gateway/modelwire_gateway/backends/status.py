"""How a call that ended badly becomes an RpcFailure, whichever backend made it."""

import re
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from modelwire_gateway.backends.base import Metadata
from modelwire_gateway.errors import RpcFailure

STATUS_DETAILS: Final = "grpc-status-details-bin"
DEADLINE_PASSED: Final = "the call did not end before its deadline"
FAILED_WITHOUT_A_STATUS: Final = "the service failed without saying why"
ANSWER_TOO_LARGE: Final = "the answer is larger than the gateway takes"
METADATA_TOO_LARGE: Final = "the request's metadata is larger than the service takes"

# A server of gRPC's core begins to refuse at 8 KiB, what gRPC sends of its own included, if it is not told otherwise.
_SURELY_TAKEN_METADATA: Final = 7 * 1024


@dataclass(frozen=True, slots=True)
class _Said:
    """What gRPC itself, not the service, says in calls that end with `code`, and what callers are told instead."""

    code: grpc.StatusCode
    pattern: re.Pattern[str]
    told: str
    http_status: int | None = None


# gRPC's own messages name addresses, classes and values that are none of a caller's business.
_SAID: Final = (
    _Said(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        re.compile(r"(?:Stream removed \()?CLIENT: Received message larger than max \("),
        ANSWER_TOO_LARGE,
        500,
    ),
    _Said(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        re.compile(r"(?:\w+: )?(?:Sent|Received) message larger than max \("),
        "the request is larger than the service takes",
        413,
    ),
    _Said(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        re.compile(r"(?:\w+: )?(?:received|to-be-sent initial) metadata size exceeds", re.IGNORECASE),
        METADATA_TOO_LARGE,
        431,
    ),
    _Said(
        grpc.StatusCode.UNAVAILABLE,
        re.compile(
            r".*\b(?:ipv[46]|unix|dns):|failed to connect|errors resolving|DNS resolution|empty address list"
            r"|connections to all backends|Socket closed|Endpoint closing|Stream removed|Cancelling all calls"
            r"|GOAWAY|Connection (?:reset|refused)|Broken pipe|recvmsg|sendmsg|keepalive|ping timeout",
            re.DOTALL | re.IGNORECASE,
        ),
        "the service cannot be reached, or the connection to it broke",
    ),
    _Said(grpc.StatusCode.DEADLINE_EXCEEDED, re.compile(r".*\bDeadline Exceeded"), DEADLINE_PASSED),
    _Said(
        grpc.StatusCode.UNKNOWN,
        re.compile(r"Unexpected <class |Exception (?:calling|iterating|deserializing|serializing)"),
        FAILED_WITHOUT_A_STATUS,
    ),
    _Said(grpc.StatusCode.UNIMPLEMENTED, re.compile(r"Method not found!"), "the service does not serve this method"),
)


def failure_of(code: Any, message: str | None, trailing: Metadata, sent: Metadata = ()) -> RpcFailure:
    """The RpcFailure of a call's final code, message and trailing metadata; `sent` is what went out with the call.

    Messages and metadata over a channel's limit end as RESOURCE_EXHAUSTED in gRPC; HTTP has 413 and 431 for them.
    """
    number = code.value[0] if isinstance(code, grpc.StatusCode) else int(code)
    if not message and not trailing and _may_be_too_large(number, sent):
        return RpcFailure(status_pb2.Status(code=number, message=METADATA_TOO_LARGE), http_status=431)
    own = tuple((key, value) for key, value in trailing if key != STATUS_DETAILS)
    if status := _status_in(trailing):
        status.code = number
        return RpcFailure(status, trailing_metadata=own)
    said = next((said for said in _SAID if said.code.value[0] == number and said.pattern.match(message or "")), None)
    # A handler in this process may say what is no text in UTF-8.
    told, http_status = (said.told, said.http_status) if said else (_encodable(message or ""), None)
    return RpcFailure(status_pb2.Status(code=number, message=told), http_status=http_status, trailing_metadata=own)


def _may_be_too_large(code: int, sent: Metadata) -> bool:
    """Whether a status that says nothing else may be that of a server which refused the metadata.

    The sentence in which gRPC's core says so names all keys that it was given; where that makes it longer than may
    be sent, it is left out.
    """
    return code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0] and _size(sent) > _SURELY_TAKEN_METADATA


def _size(metadata: Metadata) -> int:
    """In bytes, as HTTP/2 counts them (RFC 9113, 6.5.2)."""
    return sum(len(key) + len(value) + 32 for key, value in metadata)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _status_in(trailing: Metadata) -> status_pb2.Status | None:
    """The status with its details, if the trailers hold a readable one. Of its code gRPC's own status is the judge."""
    for key, value in trailing:
        if key == STATUS_DETAILS and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None
