"""The name of the model a call asks for."""

from typing import Any, Final

from modelwire_service.errors import InvalidRequest
from modelwire_service.validation.checks import REQUIRED, filled
from modelwire_service.validation.report import Path, Report

MAX_CHARS: Final = 256


def validate_model_name(name: str | None) -> str:
    """The name as given, None where it was not. Raises InvalidRequest, for the field `model`."""
    if name is None:
        raise InvalidRequest.of("model", REQUIRED)
    report = Report()
    model_name(name, ("model",), report)
    report.raise_if_any()
    return name


def model_name(value: Any, path: Path, report: Report) -> None:
    """A check: the name is looked up, logged and sent on, so it must be short and printable."""
    if not isinstance(value, str) or not value:
        filled(value, path, report)
        return
    if len(value) > MAX_CHARS:
        report.add(path, f"must be at most {MAX_CHARS} characters")
    if value != value.strip():
        report.add(path, "must not begin or end with whitespace")
    elif not value.isprintable():
        report.add(path, "must not contain unprintable characters")
