"""Text that others wrote, fit for a line of a terminal or a log."""

from typing import Final

_LONGEST: Final = 500


def on_one_line(text: str) -> str:
    """The text with all that does not print escaped, and cut where it is longer than 500 characters."""
    # Escaping makes nothing shorter: what is cut first need not be escaped.
    shown = "".join(letter if letter.isprintable() else _escaped(letter) for letter in text[: _LONGEST + 1])
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
