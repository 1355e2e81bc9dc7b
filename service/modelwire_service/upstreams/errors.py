"""How OpenAI-compatible servers report failure, read into one error.

Three shapes are met: `{"error": {...}}` (OpenAI), the same in an array of one (Gemini), and flat
`{"message": ..., "statusCode": ...}` (aimlapi), `{"object": "error", ...}` (vLLM). Any of them may come
with a 2xx status or within a stream. `error` may be a plain text, and status codes may be texts too.
"""

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from modelwire_service.errors import UpstreamRefused
from modelwire_service.finish_reasons import BROKEN
from modelwire_service.upstreams.answer_json import as_int
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.redaction import Redactor

LONGEST_WAIT = 86_400.0  # seconds
STATUS_UNTOLD = 500  # of an error without a status of its own: of all that could be meant, what is not tried again
_STATUS_KEYS = ("code", "statusCode", "status_code", "status")
_MESSAGE_KEYS = ("message", "detail", "error")


def refusal_in(payload: Any, redactor: Redactor) -> UpstreamRefused | None:
    """The error that a payload sent as a success reports, None if it reports none."""
    failure = _failure_in(payload)
    return None if failure is None else refusal(failure, redactor)


def broken_choice(choice: Json) -> Json | None:
    """The error in which a choice ended, as OpenRouter and vLLM tell it, None if it did not."""
    reason = choice.get("finish_reason")
    if not isinstance(reason, str) or reason not in BROKEN:
        return None
    told = choice.get("error")
    return {"error": told} if told else {"message": "the upstream's answer broke off"}


def refusal(
    failure: Json, redactor: Redactor, *, http_status: int = 0, retry_after: float | None = None
) -> UpstreamRefused:
    """The error a payload reports. `http_status` is that of the answer, 0 if the answer was a success."""
    inner = failure.get("error")
    told = inner if isinstance(inner, dict) else failure
    status = http_status or _status(told) or _status(failure) or STATUS_UNTOLD
    param = told.get("param")
    return UpstreamRefused(
        redactor.scrub(_message(told)) or _plain(status),
        http_status=status,
        param=redactor.scrub(param) or None if isinstance(param, str) else None,
        retry_after=retry_after,
    )


def refusal_of(http_status: int, headers: Mapping[str, str], body: bytes, redactor: Redactor) -> UpstreamRefused:
    """The error of an answer whose status is no success. A body that is not JSON is not passed on."""
    wait = retry_after(headers, time.time())
    return refusal(_told_in(body), redactor, http_status=http_status, retry_after=wait)


def refusal_of_event(data: bytes, redactor: Redactor) -> UpstreamRefused:
    """The error that an event named `error` reports, whatever its shape. Data that is not JSON is not passed on."""
    return refusal(_told_in(data), redactor)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (RFC 9110, 10.2.3: seconds or a date)."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return _bounded(milliseconds / 1000)
    told = headers.get("retry-after")
    if (seconds := _number(told)) is not None:
        return _bounded(seconds)
    try:
        return _bounded(parsedate_to_datetime(told or "").timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _failure_in(payload: Any) -> Json | None:
    if type(payload) is list and len(payload) == 1:
        payload = payload[0]
    if type(payload) is not dict:
        return None
    failure: Json = payload
    flat = "message" in failure and "choices" not in failure and "data" not in failure and _status(failure)
    return failure if failure.get("error") or failure.get("object") == "error" or flat else None


def _told_in(body: bytes) -> Json:
    try:
        payload = orjson.loads(body)
    except ValueError:
        return {}
    if isinstance(payload, list) and payload:
        payload = payload[0]
    return payload if isinstance(payload, dict) else {}


def _message(told: Json) -> str:
    found = (told[key] for key in _MESSAGE_KEYS if isinstance(told.get(key), str))
    return next(found, "")


def _plain(status: int) -> str:
    return f"upstream answered {status}"


def _status(told: Json) -> int:
    found = (status for key in _STATUS_KEYS if 400 <= (status := as_int(told.get(key))) <= 599)
    return next(found, 0)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)
