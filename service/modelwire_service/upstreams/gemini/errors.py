"""How the Gemini API reports failure (google.rpc.Status as JSON), read into the one error for refusals.

Gemini's own OpenAI endpoint puts the same in an array of one, and so does this API in some streams. `code` may be
missing where `status` names it.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final

import orjson

from modelwire_service.errors import UpstreamRefused
from modelwire_service.upstreams.answer_json import as_int
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.errors import LONGEST_WAIT, STATUS_UNTOLD, refusal, retry_after
from modelwire_service.upstreams.redaction import Redactor

_HTTP_STATUSES: Final[Mapping[str, int]] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_BAD_KEYS: Final = ("API_KEY_INVALID", "API_KEY_EXPIRED")  # of google.api.ErrorReason; they come with a 400
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


def failure_in(payload: Any) -> Json | None:
    """The error that an answer or event is, None if it is none."""
    if isinstance(payload, list) and len(payload) == 1:
        payload = payload[0]
    error = payload.get("error") if isinstance(payload, dict) else None
    if not error and error != {}:
        return None
    return error if isinstance(error, dict) else {"message": error}


def refusal_in(payload: Any, headers: Mapping[str, str], redactor: Redactor) -> UpstreamRefused | None:
    """The error that an answer or event reports, None if it is none.

    Its own wait wins over that of the headers, which are those of a proxy.
    """
    failure = failure_in(payload)
    return None if failure is None else _refusal(failure, redactor, http_status=0, headers=headers)


def refusal_of(http_status: int, headers: Mapping[str, str], body: bytes, redactor: Redactor) -> UpstreamRefused:
    """The error of an answer whose status is no success. A body that is not JSON is not passed on."""
    try:
        failure = failure_in(orjson.loads(body))
    except ValueError:
        failure = None
    return _refusal(failure or {}, redactor, http_status=http_status, headers=headers)


def _refusal(failure: Json, redactor: Redactor, *, http_status: int, headers: Mapping[str, str]) -> UpstreamRefused:
    details = _details(failure)
    named = _HTTP_STATUSES.get(str(failure.get("status")), 0)
    status = http_status or _as_status(failure.get("code")) or named or STATUS_UNTOLD
    if any(detail.get("reason") in _BAD_KEYS for detail in details):
        status = 401
    wait = next((told for detail in details if (told := _delay(detail)) is not None), None)
    # The fields that details name are Gemini's, and callers have others: none is passed on.
    return refusal(
        {"error": {"message": failure.get("message")}},
        redactor,
        http_status=status,
        retry_after=retry_after(headers, time.time()) if wait is None else wait,
    )


def _details(failure: Json) -> list[Json]:
    details = failure.get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _as_status(code: Any) -> int:
    return status if 400 <= (status := as_int(code)) <= 599 else 0


def _delay(detail: Json) -> float | None:
    """Seconds of a google.rpc.RetryInfo, whose duration is written as `12s` or `0.5s`."""
    found = _DURATION.fullmatch(str(detail.get("retryDelay", "")))
    return min(float(found[1]), LONGEST_WAIT) if found else None
