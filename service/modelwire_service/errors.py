"""What can go wrong, sorted by who must act, and the gRPC status each becomes.

    ServiceError
    ├── the caller
    │   ├── InvalidRequest        INVALID_ARGUMENT, one violation a field
    │   ├── ModelNotFound         NOT_FOUND, with names near the one asked for
    │   ├── Unauthenticated       UNAUTHENTICATED: no key, or one that is not valid
    │   ├── ModelNotAllowed       PERMISSION_DENIED: the key is not for this model
    │   ├── LimitExceeded         RESOURCE_EXHAUSTED: more than the caller's own limits allow
    │   └── DeadlineExceeded      DEADLINE_EXCEEDED: the time the call may take is over
    ├── the upstream
    │   ├── UpstreamRefused       the upstream answered with an error; its HTTP status decides the code
    │   │   └── KeysLimited       nothing was sent: all keys for it have reached their limits
    │   ├── UpstreamUnavailable   UNAVAILABLE: not reached, or the connection broke
    │   ├── UpstreamTimeout       DEADLINE_EXCEEDED: nothing came in time
    │   └── UpstreamProtocolError UNAVAILABLE: it answered what nobody can read
    └── us
        ├── Overloaded            UNAVAILABLE: more calls than are taken at once
        └── Internal              INTERNAL; the cause is logged, never told

Statuses carry google.rpc details (AIP-193), at most 4 KiB: metadata limits turn larger ones into another error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from google.protobuf import duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

DOMAIN = "modelwire.dev"
MAX_VIOLATIONS_BYTES = 1_536
MAX_MESSAGE_BYTES = 800


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that is wrong, by its path (`messages[2].role`), and why."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


class ServiceError(Exception):
    """Base of all errors; only its subclasses are raised."""

    code: ClassVar[int]
    reason: str
    retry_after: float | None = None
    """Seconds to wait before another try, where that is known."""
    retries_spent: bool = False
    """Whether all tries there are for a call were made here, so that its caller had better not try again."""

    def __init__(self, message: str, *, metadata: dict[str, str] | None = None) -> None:
        if type(self) is ServiceError:
            raise TypeError("raise one of its subclasses")
        super().__init__(message)
        self.message = _clipped(message, MAX_MESSAGE_BYTES)
        self.metadata = metadata or {}

    def status_code(self) -> int:
        """The canonical code (google/rpc/code.proto)."""
        return self.code

    def violations_told(self) -> error_details_pb2.BadRequest | None:
        """The fields that are at fault, where any are."""
        return None

    def to_status(self) -> status_pb2.Status:
        """The google.rpc.Status of this error."""
        status = status_pb2.Status(code=self.status_code(), message=self.message)
        clipped = {key: _clipped(value, 200) for key, value in self.metadata.items()}
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=clipped))
        if (violations := self.violations_told()) is not None:
            status.details.add().Pack(violations)
        if self.retry_after is not None:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(round(self.retry_after * 1000))
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        return status


class InvalidRequest(ServiceError):
    """The request breaks a rule of the contract."""

    code = code_pb2.INVALID_ARGUMENT
    reason = "INVALID_REQUEST"

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(str(violation) for violation in violations[:3]) + _more(len(violations) - 3))
        self.violations = violations

    @classmethod
    def of(cls, field: str, reason: str) -> "InvalidRequest":
        return cls([Violation(field, reason)])

    def violations_told(self) -> error_details_pb2.BadRequest:
        listed = error_details_pb2.BadRequest()
        for index, violation in enumerate(self.violations):
            listed.field_violations.add(
                field=_clipped(violation.field, 200), description=_clipped(violation.reason, 300)
            )
            if listed.ByteSize() > MAX_VIOLATIONS_BYTES:
                del listed.field_violations[-1]
                listed.field_violations.add(description=f"and {len(self.violations) - index} more")
                break
        return listed


class ModelNotFound(ServiceError):
    """No upstream serves a model of that name."""

    code = code_pb2.NOT_FOUND
    reason = "MODEL_NOT_FOUND"

    def __init__(self, model: str, near: Sequence[str]) -> None:
        hint = f" Did you mean {' or '.join(near)}?" if near else " The list of models tells which there are."
        super().__init__(f"model: no upstream serves {_clipped(model, 100)!r}.{hint}", metadata={"model": model})

    def violations_told(self) -> error_details_pb2.BadRequest:
        return _at_fault("model", "unknown model")


class Unauthenticated(ServiceError):
    """The call has no credential, or one that is not valid."""

    code = code_pb2.UNAUTHENTICATED
    reason = "API_KEY_INVALID"


class ModelNotAllowed(ServiceError):
    """The caller's key is not for this model, whether there is one of that name or not."""

    code = code_pb2.PERMISSION_DENIED
    reason = "MODEL_NOT_ALLOWED"

    def __init__(self, model: str) -> None:
        super().__init__(f"model: the key may not use {_clipped(model, 100)!r}", metadata={"model": model})

    def violations_told(self) -> error_details_pb2.BadRequest:
        return _at_fault("model", "not allowed to this key")


class LimitExceeded(ServiceError):
    """The caller used up what a limit of theirs allows; `retry_after` in seconds, where waiting helps.

    `headers` tell how they stand, as those of an answer do.
    """

    code = code_pb2.RESOURCE_EXHAUSTED
    reason = "RATE_LIMIT_EXCEEDED"

    def __init__(self, message: str, *, retry_after: float | None, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.headers = headers


class DeadlineExceeded(ServiceError):
    """The time the caller gave, or the longest that is given, is over."""

    code = code_pb2.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"


class UpstreamRefused(ServiceError):
    """The upstream answered with an error. `http_status` is the upstream's; `retry_after` in seconds, if told.

    A refused key (401, 403) keeps its status: whoever runs a gateway for themselves must know, and the message
    says that it is the upstream's.
    """

    reason = "UPSTREAM_REFUSED"

    def __init__(
        self, message: str, *, http_status: int, param: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, metadata={"http_status": str(http_status)})
        self.http_status = http_status
        self.param = param
        self.retry_after = retry_after

    def status_code(self) -> int:
        return code_of_http_status(self.http_status)

    def violations_told(self) -> error_details_pb2.BadRequest | None:
        return _at_fault(_clipped(self.param, 200), _clipped(self.message, 300)) if self.param else None


class KeysLimited(UpstreamRefused):
    """All keys for the upstream have reached their limits, as it told before; nothing was sent. As its 429 would be."""

    def __init__(self, *, retry_after: float) -> None:
        told = "all keys for the upstream have reached their limits"
        super().__init__(told, http_status=429, retry_after=retry_after)


class UpstreamUnavailable(ServiceError):
    """The upstream was not reached, or the connection broke. `sent` tells whether it may have the request."""

    code = code_pb2.UNAVAILABLE
    reason = "UPSTREAM_UNAVAILABLE"

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class UpstreamTimeout(ServiceError):
    """The upstream did not answer, or went silent, for longer than configured."""

    code = code_pb2.DEADLINE_EXCEEDED
    reason = "UPSTREAM_TIMEOUT"


class UpstreamProtocolError(ServiceError):
    """The upstream answered something that is not what its API promises."""

    code = code_pb2.UNAVAILABLE
    reason = "UPSTREAM_PROTOCOL_ERROR"


class Overloaded(ServiceError):
    """More calls than are taken at once; `retry_after` in seconds. Nothing was sent to an upstream."""

    code = code_pb2.UNAVAILABLE
    reason = "OVERLOADED"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Internal(ServiceError):
    """Our own fault. Callers get no cause; the log has it."""

    code = code_pb2.INTERNAL
    reason = "INTERNAL"

    def __init__(self) -> None:
        super().__init__("internal error; the server's log has the cause under this request's id")


_CODE_OF_HTTP_STATUS: Final[dict[int, int]] = {
    400: code_pb2.INVALID_ARGUMENT,
    401: code_pb2.UNAUTHENTICATED,
    403: code_pb2.PERMISSION_DENIED,
    404: code_pb2.NOT_FOUND,
    408: code_pb2.DEADLINE_EXCEEDED,
    409: code_pb2.ABORTED,
    429: code_pb2.RESOURCE_EXHAUSTED,
    499: code_pb2.CANCELLED,
    501: code_pb2.UNIMPLEMENTED,
    504: code_pb2.DEADLINE_EXCEEDED,
}


def code_of_http_status(http_status: int) -> int:
    """The canonical code of an upstream's HTTP status: google/rpc/code.proto read backwards."""
    if (known := _CODE_OF_HTTP_STATUS.get(http_status)) is not None:
        return known
    code: int = code_pb2.INVALID_ARGUMENT if 400 <= http_status < 500 else code_pb2.UNAVAILABLE
    return code


def _at_fault(field: str, description: str) -> error_details_pb2.BadRequest:
    return error_details_pb2.BadRequest(field_violations=[{"field": field, "description": description}])


def _clipped(text: str, limit: int) -> str:
    """The text, or its beginning within `limit` bytes of UTF-8."""
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= limit else encoded[: limit - 3].decode("utf-8", "ignore") + "…"


def _more(count: int) -> str:
    return f"; and {count} more" if count > 0 else ""
