"""Thoughts that come as content, within `<thought>` and `</thought>`, told apart from what is said.

A thought is one only where it begins a reply or follows another: later, the tag is text like any other, unless the
server marks the piece it is in. Tags may be split over pieces, so the end of a piece that may begin a tag is held.
"""

from enum import Enum, auto
from typing import Final

_OPEN: Final = "<thought>"
_CLOSE: Final = "</thought>"


class _Place(Enum):
    MAY_BEGIN = auto()
    THINKING = auto()
    SPEAKING = auto()


class ThoughtSplitter:
    """Reads the content of one choice, piece by piece."""

    def __init__(self) -> None:
        self._place = _Place.MAY_BEGIN
        self._held = ""

    def feed(self, piece: str, *, marked: bool = False) -> tuple[str, str]:
        """What a piece thinks and what it says. `marked` tells that the server calls it a thought."""
        if marked and self._place is _Place.SPEAKING:
            self._place = _Place.MAY_BEGIN
        text, self._held = self._held + piece, ""
        thoughts: list[str] = []
        at = 0
        while at < len(text):
            if self._place is _Place.SPEAKING:
                return "".join(thoughts), text[at:]
            at = self._begin(text, at) if self._place is _Place.MAY_BEGIN else self._think(text, at, thoughts)
        return "".join(thoughts), ""

    def close(self) -> tuple[str, str]:
        """What was held back, when no piece will come."""
        held, self._held = self._held, ""
        return (held, "") if self._place is _Place.THINKING else ("", held)

    def _begin(self, text: str, at: int) -> int:
        """Looks for a thought that begins at `at`; gives where to read on."""
        if text.startswith(_OPEN, at):
            self._place = _Place.THINKING
            return at + len(_OPEN)
        if _OPEN.startswith(text[at : at + len(_OPEN)]):
            self._held = text[at:]
            return len(text)
        self._place = _Place.SPEAKING
        return at

    def _think(self, text: str, at: int, thoughts: list[str]) -> int:
        """Adds the thought that goes on at `at`; gives where to read on."""
        end = text.find(_CLOSE, at)
        if end >= 0:
            thoughts.append(text[at:end])
            self._place = _Place.MAY_BEGIN
            return end + len(_CLOSE)
        held = next((n for n in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:n], at)), 0)
        thoughts.append(text[at : len(text) - held])
        self._held = text[len(text) - held :]
        return len(text)
