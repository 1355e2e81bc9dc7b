"""Collects what is wrong with one request."""

import json
import re
from typing import Final

from modelwire_service.errors import InvalidRequest, Violation

Path = tuple[str | int, ...]
"""Member names and list positions from the request down to a value; written out only if it is reported."""

MAX_VIOLATIONS: Final = 50
MAX_SHOWN_CHARS: Final = 40

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_-]+").fullmatch


class Report:
    """The violations found so far, in the order found."""

    __slots__ = ("violations",)

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def add(self, path: Path, reason: str) -> None:
        """Adds one. Raises InvalidRequest with all there are when MAX_VIOLATIONS is reached."""
        self.violations.append(Violation(written(path), reason))
        if len(self.violations) >= MAX_VIOLATIONS:
            raise InvalidRequest(self.violations)

    def raise_if_any(self) -> None:
        """Raises InvalidRequest unless nothing was added."""
        if self.violations:
            raise InvalidRequest(self.violations)


def written(path: Path) -> str:
    """The path as text: `messages[2].role`; a member with an odd name is `metadata["a b"]`."""
    return "".join(_step(step) for step in path).removeprefix(".")


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    name = _clipped(step)
    return f".{name}" if _PLAIN_NAME(step) else f"[{json.dumps(name, ensure_ascii=not name.isprintable())}]"


def shown(text: str) -> str:
    """A caller's text as a message may quote it: escaped, and clipped to MAX_SHOWN_CHARS."""
    return repr(_clipped(text))


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"
