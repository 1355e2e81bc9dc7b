"""Finds events that differ from an earlier one in nothing but the text they add, without reading their JSON.

Theory of operation. Take an event that was read: a chunk with one text, the value of its one `"content"`. If nothing in
it is escaped, every quote in it begins or ends a string, so what stands before the text and what stands after it are
the same tokens in any event that has the same bytes there. Where such an event's own text needs no escapes either, it
is one string, and the event is the chunk that was read with this text. That is all there is to compare.
"""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.text_runs import TextRun

_TEXT: Final = re.compile(rb'"content": ?"([^"]*)')
_NO_TEXT: Final = re.compile(rb'["\\\x00-\x1f]')
_AT_ONCE: Final = 32  # events looked at together: so many, at most, are looked at for nothing where a run ends


class TextPattern:
    """The events that are as `event`, whose JSON is the plain chunk `like`, but for the text between the two ends."""

    __slots__ = ("_after", "_before", "_like")

    def __init__(self, like: Json, before: bytes, after: bytes) -> None:
        self._like = like
        self._before = before
        self._after = after

    @classmethod
    def of(cls, event: bytes, like: Json) -> "TextPattern | None":
        """The pattern of an event, None if others like it cannot be told by their bytes."""
        found = _TEXT.search(event)
        if found is None or b"\\" in event or event.count(b'"content"') > 1:
            return None
        return cls(like, event[: found.start(1)], event[found.end(1) :])

    def run(self, events: Sequence[bytes], start: int) -> TextRun | None:
        """The events from `start` on, as far as they are as the pattern has it; None if the first is not."""
        texts: list[bytes] = []
        for at in range(start, len(events), _AT_ONCE):
            looked_at = events[at : at + _AT_ONCE]
            texts += (found := self._texts(looked_at))
            if len(found) < len(looked_at):
                break
        return TextRun(self._like, texts) if texts else None

    def _texts(self, events: Sequence[bytes]) -> list[bytes]:
        """The texts of some events, up to the first that is not as the pattern has it."""
        before, after = self._before, self._after
        begin, end = len(before), -len(after)
        shortest = begin - end
        texts = []
        for event in events:
            if not (event.startswith(before) and event.endswith(after) and len(event) >= shortest):
                break
            texts.append(event[begin:end])
        return texts if _is_text(b" ".join(texts)) else list(takewhile(_is_text, texts))


def _is_text(inside: bytes) -> bool:
    """Whether bytes are the inside of a JSON string without escapes."""
    if _NO_TEXT.search(inside) is not None:
        return False
    try:
        inside.decode()
    except UnicodeDecodeError:
        return False
    return True
