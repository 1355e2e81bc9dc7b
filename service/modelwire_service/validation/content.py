"""What a message says: a string, or a list of parts.

Texts are passed on as they are, NUL and emptiness included: what a model makes of them is its own affair.
"""

from collections.abc import Mapping
from typing import Any, Final

from modelwire_service.validation.checks import NOT_EMPTY, Check, filled, listed, shape, text
from modelwire_service.validation.report import Path, Report, shown


def _file(value: Any, path: Path, report: Report) -> None:
    _file_members(value, path, report)
    if isinstance(value, dict) and value.get("file_data") is None and value.get("file_id") is None:
        report.add(path, "requires file_data or file_id")


_file_members: Final = shape({}, {"file_data": filled, "file_id": filled, "filename": text})

PARTS: Final[Mapping[str, Check]] = {
    "text": shape({"text": text}),
    "image_url": shape({"image_url": shape({"url": filled}, {"detail": filled})}),
    "input_audio": shape({"input_audio": shape({"data": filled, "format": filled})}),
    "file": shape({"file": _file}),
    "refusal": shape({"refusal": text}),
}

_part_type: Final = shape({"type": text})


def content_of(role: str, *kinds: str) -> Check:
    """The content of messages of that role: a string, or one part or more of those kinds."""
    wanted = f"must be {listed(kinds)} in {role} messages"
    parts = {kind: PARTS[kind] for kind in kinds}

    def check_part(part: Any, path: Path, report: Report) -> None:
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str):
            _part_type(part, path, report)
        elif (check := parts.get(kind)) is not None:
            check(part, path, report)
        elif kind in PARTS:
            report.add((*path, "type"), f"{wanted}, not {shown(kind)}")
        else:
            report.add((*path, "type"), f"unknown part type {shown(kind)}")

    def check_content(value: Any, path: Path, report: Report) -> None:
        if isinstance(value, str):
            return
        if not isinstance(value, list):
            report.add(path, "must be a string or a list of parts")
            return
        if not value:
            report.add(path, NOT_EMPTY)
        for index, part in enumerate(value):
            check_part(part, (*path, index), report)

    return check_content
