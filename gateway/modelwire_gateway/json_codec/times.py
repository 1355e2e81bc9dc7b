"""google.protobuf.Timestamp, Duration and FieldMask between their JSON text and their fields."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from .errors import JsonError, clip
from .json_text import JsonValue

_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIMESTAMP: Final = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}:[0-5][0-9])(?:\.([0-9]{{1,9}}))?(?:Z|([+-])({_CLOCK}))"
).fullmatch
_DURATION: Final = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s").fullmatch
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND: Final = -62_135_596_800  # 0001-01-01T00:00:00Z
_LAST_SECOND: Final = 253_402_300_799  # 9999-12-31T23:59:59Z
_LONGEST_DURATION: Final = 315_576_000_000  # seconds, about ten thousand years
_NANOS: Final = 1_000_000_000


def timestamp_fields(value: JsonValue) -> tuple[int, int]:
    """Seconds and nanoseconds since the epoch of an RFC 3339 text."""
    match = _TIMESTAMP(value) if isinstance(value, str) else None
    if match is None:
        raise JsonError("", "must be a time such as 2024-05-01T12:00:00Z")
    moment, fraction, sign, offset = match.groups()
    try:
        since_epoch = datetime.fromisoformat(moment + "Z") - _EPOCH
    except ValueError:
        raise JsonError("", "is not a time of the calendar") from None
    seconds = since_epoch.days * 86_400 + since_epoch.seconds
    if sign:
        ahead = int(offset[:2]) * 3600 + int(offset[3:]) * 60
        seconds += -ahead if sign == "+" else ahead
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise JsonError("", "is out of the range of times")
    return seconds, _nanos(fraction)


def timestamp_text(seconds: int, nanos: int) -> str:
    """The RFC 3339 text of a Timestamp, in UTC, with no, 3, 6 or 9 digits of a second."""
    if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < _NANOS):
        raise JsonError("", "is out of the range of times")
    moment = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None)
    return f"{moment.isoformat()}{_fraction(nanos)}Z"


def duration_fields(value: JsonValue) -> tuple[int, int]:
    """Seconds and nanoseconds, of one sign, of a text such as `1.5s`."""
    match = _DURATION(value) if isinstance(value, str) else None
    if match is None:
        raise JsonError("", "must be a duration such as 1.5s")
    minus, whole, fraction = match.groups()
    seconds, nanos = int(whole), _nanos(fraction)
    if seconds > _LONGEST_DURATION or (seconds == _LONGEST_DURATION and nanos):
        raise JsonError("", "is out of the range of durations")
    return (-seconds, -nanos) if minus else (seconds, nanos)


def duration_text(seconds: int, nanos: int) -> str:
    """The text of a Duration, with no, 3, 6 or 9 digits of a second."""
    mixed = seconds * nanos < 0
    if mixed or abs(seconds) > _LONGEST_DURATION or abs(nanos) >= _NANOS:
        raise JsonError("", "is out of the range of durations")
    minus = "-" if seconds < 0 or nanos < 0 else ""
    return f"{minus}{abs(seconds)}{_fraction(abs(nanos))}s"


def mask_paths(value: JsonValue) -> list[str]:
    """The field paths, as .proto files spell them, of a text such as `name,owner.fullName`."""
    if not isinstance(value, str):
        raise JsonError("", "must be a list of fields such as name,owner.fullName, in one string")
    if "_" in value or not value.isascii():
        raise JsonError("", "must hold names in lowerCamelCase")
    return [re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), path) for path in value.split(",") if path]


def mask_text(paths: list[str]) -> str:
    """The text of a FieldMask. Refuses paths that lowerCamelCase cannot bring back."""
    for path in paths:
        if re.search("[A-Z]|_(?![a-z])", path):
            raise JsonError("", f"has no JSON form for the path {clip(path)}")
    return ",".join(re.sub("_([a-z])", lambda letter: letter[1].upper(), path) for path in paths)


def _nanos(fraction: str | None) -> int:
    return int((fraction or "").ljust(9, "0"))


def _fraction(nanos: int) -> str:
    if not nanos:
        return ""
    digits = f"{nanos:09d}"
    return "." + (digits[:3] if digits.endswith("000000") else digits[:6] if digits.endswith("000") else digits)
