"""What each error tells: its code, its reason, its details, and never more than metadata can carry."""

import pytest
from google.protobuf import json_format
from google.rpc import code_pb2
from modelwire_gateway.errors import status_row
from modelwire_service.errors import (
    Internal,
    InvalidRequest,
    KeysLimited,
    ModelNotFound,
    ServiceError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    Violation,
    code_of_http_status,
)

MAX_STATUS_BYTES = 4096
HOSTILE = "🦙" * 10_000


def violated(*pairs: tuple[str, str]) -> dict[str, object]:
    return {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": why} for field, why in pairs],
    }


def retry(delay: str) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


@pytest.mark.parametrize(
    ("error", "code", "message", "reason", "metadata", "details"),
    [
        (
            InvalidRequest.of("n", "must be at least 1"),
            "INVALID_ARGUMENT",
            "n: must be at least 1",
            "INVALID_REQUEST",
            {},
            [violated(("n", "must be at least 1"))],
        ),
        (
            InvalidRequest([Violation(name, "is required") for name in ("a", "b", "c", "d", "e")]),
            "INVALID_ARGUMENT",
            "a: is required; b: is required; c: is required; and 2 more",
            "INVALID_REQUEST",
            {},
            [violated(*((name, "is required") for name in "abcde"))],
        ),
        (
            ModelNotFound("gpt", ["gpt-4", "gpt-5"]),
            "NOT_FOUND",
            "model: no upstream serves 'gpt'. Did you mean gpt-4 or gpt-5?",
            "MODEL_NOT_FOUND",
            {"model": "gpt"},
            [violated(("model", "unknown model"))],
        ),
        (
            ModelNotFound("gpt", []),
            "NOT_FOUND",
            "model: no upstream serves 'gpt'. The list of models tells which there are.",
            "MODEL_NOT_FOUND",
            {"model": "gpt"},
            [violated(("model", "unknown model"))],
        ),
        (
            UpstreamRefused("too fast", http_status=429, retry_after=1.5),
            "RESOURCE_EXHAUSTED",
            "too fast",
            "UPSTREAM_REFUSED",
            {"http_status": "429"},
            [retry("1.500s")],
        ),
        (
            KeysLimited(retry_after=1.5),
            "RESOURCE_EXHAUSTED",
            "all keys for the upstream have reached their limits",
            "UPSTREAM_REFUSED",
            {"http_status": "429"},
            [retry("1.500s")],
        ),
        (
            UpstreamRefused("bad stop", http_status=400, param="stop"),
            "INVALID_ARGUMENT",
            "bad stop",
            "UPSTREAM_REFUSED",
            {"http_status": "400"},
            [violated(("stop", "bad stop"))],
        ),
        (UpstreamUnavailable("gone", sent=True), "UNAVAILABLE", "gone", "UPSTREAM_UNAVAILABLE", {}, []),
        (UpstreamTimeout("late"), "DEADLINE_EXCEEDED", "late", "UPSTREAM_TIMEOUT", {}, []),
        (UpstreamProtocolError("noise"), "UNAVAILABLE", "noise", "UPSTREAM_PROTOCOL_ERROR", {}, []),
        (
            Internal(),
            "INTERNAL",
            "internal error; the server's log has the cause under this request's id",
            "INTERNAL",
            {},
            [],
        ),
    ],
    ids=[
        "a violation",
        "violations",
        "a model with near ones",
        "a model",
        "a limit",
        "limited keys",
        "a refused field",
        "unavailable",
        "timeout",
        "protocol",
        "internal",
    ],
)
def test_an_error_tells(
    error: ServiceError,
    code: str,
    message: str,
    reason: str,
    metadata: dict[str, str],
    details: list[dict[str, object]],
) -> None:
    status = error.to_status()
    told, *more = (json_format.MessageToDict(detail) for detail in status.details)
    assert (code_pb2.Code.Name(status.code), status.message) == (code, message)
    assert told.pop("@type") == "type.googleapis.com/google.rpc.ErrorInfo"
    assert told == {"reason": reason, "domain": "modelwire.dev"} | ({"metadata": metadata} if metadata else {})
    assert more == details


@pytest.mark.parametrize(
    ("http_status", "code", "shown_as"),
    [
        (400, "INVALID_ARGUMENT", 400),
        (401, "UNAUTHENTICATED", 401),
        (403, "PERMISSION_DENIED", 403),
        (404, "NOT_FOUND", 404),
        (408, "DEADLINE_EXCEEDED", 504),
        (409, "ABORTED", 409),
        (429, "RESOURCE_EXHAUSTED", 429),
        (499, "CANCELLED", 499),
        (500, "UNAVAILABLE", 503),
        (501, "UNIMPLEMENTED", 501),
        (503, "UNAVAILABLE", 503),
        (504, "DEADLINE_EXCEEDED", 504),
        (402, "INVALID_ARGUMENT", 400),
        (413, "INVALID_ARGUMENT", 400),
        (422, "INVALID_ARGUMENT", 400),
        (451, "INVALID_ARGUMENT", 400),
        (502, "UNAVAILABLE", 503),
        (520, "UNAVAILABLE", 503),
        (599, "UNAVAILABLE", 503),
        (302, "UNAVAILABLE", 503),
    ],
)
def test_an_upstreams_http_status_becomes_a_code_and_shows_as(http_status: int, code: str, shown_as: int) -> None:
    found = code_of_http_status(http_status)
    assert code_pb2.Code.Name(found) == code
    assert status_row(found).http_status == shown_as


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest([Violation(HOSTILE, HOSTILE)] * 500),
        InvalidRequest([Violation(f"messages[{index}].role", "must be one of these") for index in range(500)]),
        ModelNotFound(HOSTILE, [HOSTILE] * 5),
        UpstreamRefused(HOSTILE, http_status=429, param=HOSTILE, retry_after=1e6),
        UpstreamUnavailable(HOSTILE, sent=False),
        UpstreamProtocolError(HOSTILE),
        UpstreamTimeout("\udc80" * 10_000),
    ],
    ids=["long violations", "many violations", "model", "refused", "unavailable", "protocol", "surrogates"],
)
def test_no_status_is_larger_than_metadata_can_carry(error: ServiceError) -> None:
    status = error.to_status()
    assert status.message
    assert status.ByteSize() <= MAX_STATUS_BYTES


def test_violations_that_are_not_listed_are_counted() -> None:
    detail = InvalidRequest([Violation(f"f{index}", "x" * 100) for index in range(500)]).violations_told()
    *listed, last = json_format.MessageToDict(detail)["fieldViolations"]
    assert [violation["field"] for violation in listed] == [f"f{index}" for index in range(len(listed))]
    assert last == {"description": f"and {500 - len(listed)} more"}


def test_only_a_kind_of_error_can_be_raised() -> None:
    with pytest.raises(TypeError, match="one of its subclasses"):
        raise ServiceError("something")
