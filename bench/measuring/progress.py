"""What is being done, told on standard error: one line that changes for somebody who looks, line by line for a log."""

import sys
import time
from typing import Final

_SECONDS_BETWEEN_LINES: Final = 20.0


class Progress:
    """Of `total` steps."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._began = time.monotonic()
        self._told = float("-inf")

    def tell(self, text: str) -> None:
        """Of a step that begins."""
        passed = time.monotonic() - self._began
        line = f"{self._done:>4}/{self._total}  {passed / 60:5.1f} min  {text}"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{line}")
        elif passed - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = passed
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def step(self, count: int = 1) -> None:
        self._done += count

    def end(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
