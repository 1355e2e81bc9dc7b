"""What is wrong with a JSON value or a message, and where."""

import json
import re
from typing import Final

_CLIP: Final = 40
_PATH_CLIP: Final = 200
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_-]+").fullmatch


class JsonError(ValueError):
    """A value that a message cannot hold, or a message that cannot be written as JSON.

    `path` leads to the value (`tools[0].function.name`, `labels["odd key"]`, "" for the root), `reason` says what
    is wrong with it. Both are fit for callers' eyes. The error is raised with the innermost path; whoever passes
    it on adds the step it knows with `inside`, so that paths cost nothing until something fails.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.reason = reason
        self._tail = path
        self._steps: list[str | int] = []
        self._prefix = ""

    @property
    def path(self) -> str:
        path = ""
        for step in reversed(self._steps):
            path = join_path(path, _shown(step))
        path = join_path(self._prefix, join_path(path, self._tail))
        return path if len(path) <= _PATH_CLIP else path[:_PATH_CLIP] + "…"

    def inside(self, *steps: str | int) -> "JsonError":
        """The same error, seen from outside: `steps` are member names and list indexes, inner ones first."""
        self._steps.extend(steps)
        return self

    def below(self, prefix: str) -> "JsonError":
        """The same error, with a whole path before its own."""
        self._prefix = join_path(prefix, self._prefix)
        return self

    def __str__(self) -> str:
        path = self.path
        return f"{path}: {self.reason}" if path else self.reason


def clip(text: str) -> str:
    """`text` short enough for a message."""
    return text if len(text) <= _CLIP else text[: _CLIP - 1] + "…"


def join_path(outer: str, inner: str) -> str:
    """One path out of two, either of which may be empty."""
    return outer + inner if not outer or not inner or inner[0] == "[" else f"{outer}.{inner}"


def _shown(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    name = clip(step)
    return name if _PLAIN_NAME(step) else f"[{json.dumps(name, ensure_ascii=not name.isprintable())}]"
