"""Tables for people, in plain text."""

from collections.abc import Sequence
from typing import Final

_BAR: Final = 20
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Columns as wide as they must be, two spaces apart; those whose heading is in `right` end at the same place.

    What a terminal would not print stands as U+FFFD: some of the names are callers'.
    """
    lines = [headings, *([_printable(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(_line(line, widths, [heading in right for heading in headings]) for line in lines)


def bar(share: float) -> str:
    """A bar of at most 20 characters for a share between 0 and 1; whatever is more than nothing shows."""
    eighths = max(round(share * _BAR * 8), 1 if share else 0)
    return _EIGHTHS[8] * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)
