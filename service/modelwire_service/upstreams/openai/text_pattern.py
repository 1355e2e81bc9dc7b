"""Finds events that differ from an earlier one in nothing but the text they add, without reading their JSON.

Theory of operation. Take an event that was read: a chunk with one text, the value of its one `"content"`. If nothing in
it is escaped, every quote in it begins or ends a string, so what stands before the text and what stands after it are
the same tokens in any event that has the same bytes there. Where such an event's own text needs no escapes either, it
is one string, and the event is the chunk that was read with this text. That is all there is to compare.

Nor are such events compared one by one. What may be their texts is picked out at the distances of such events, and if
events with these texts are the bytes that came, they are.
"""

import re
from functools import lru_cache
from itertools import takewhile
from typing import Final

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.text_runs import TextRun

_TEXT: Final = re.compile(rb'"content": ?"([^"]*)')
_NO_TEXT: Final = b'"\\' + bytes(range(0x20))
_END: Final = b"\n\n"
_AT_FIRST: Final = 1 << 10  # bytes looked at together, and then each time four times as many: a run may end soon


class TextPattern:
    """The events that are as `event`, whose JSON is the plain chunk `like`, but for the text between the two ends."""

    __slots__ = ("_after", "_between", "_like", "before")

    def __init__(self, like: Json, before: bytes, after: bytes) -> None:
        self.before = b"data: " + before
        """What such events begin with as they are sent."""
        self._after = after
        self._between = after + _END + self.before
        self._like = like

    @classmethod
    def of(cls, event: bytes, like: Json) -> "TextPattern | None":
        """The pattern of an event, None if others like it cannot be told by their bytes."""
        found = _TEXT.search(event)
        if found is None or b"\\" in event or event.count(b'"content"') > 1:
            return None
        return cls(like, event[: found.start(1)], event[found.end(1) :])

    def run(self, piece: bytes, start: int) -> tuple[TextRun, int] | None:
        """The whole events of a stream from `start` on, as far as they are as the pattern has it, and where they end.

        An event begins at `start`. None if the first is not as the pattern has it.
        """
        texts: list[bytes] = []
        at, size = start, _AT_FIRST
        while piece.startswith(self.before, at) and (end := self._end(piece, at, size)):
            found = self._texts(piece[at:end])
            if found is None:
                texts += (found := self._first_texts(piece[at:end]))
                at += sum(map(len, found)) + len(found) * len(self._between)
                break
            texts += found
            at, size = end, 4 * size
        return (TextRun(self._like, texts), at) if texts else None

    def _end(self, piece: bytes, at: int, size: int) -> int:
        """The end of the last whole event of those that begin within `size` bytes from `at`; 0 if there is none."""
        last = max(piece.rfind(self.before, at, at + size), at)
        end = piece.find(_END, last)
        if end < 0:
            end = piece.rfind(_END, at, last)
        return end + len(_END) if end >= 0 else 0

    def _texts(self, events: bytes) -> list[bytes] | None:
        """The texts of events that are all as the pattern has it; None for others."""
        texts: list[bytes] = _texts_before(len(self._between)).findall(events, len(self.before))[:-1]
        as_it_has_it = events == self.before + self._between.join(texts) + self._after + _END
        return texts if as_it_has_it and _is_text(b" ".join(texts)) else None

    def _first_texts(self, events: bytes) -> list[bytes]:
        """The same of any events, up to the first that is not as the pattern has it."""
        begin, end = len(self.before), -len(self._after)
        return [event[begin:end] for event in takewhile(self._fits, events.split(_END))]

    def _fits(self, event: bytes) -> bool:
        before, after = self.before, self._after
        as_it_has_it = event.startswith(before) and event.endswith(after) and len(event) >= len(before) + len(after)
        return as_it_has_it and _is_text(event[len(before) : -len(after)])


@lru_cache(maxsize=64)
def _texts_before(size: int) -> re.Pattern[bytes]:
    """Finds texts between which there are `size` bytes, a quote the first of them; and at the end, one that is none.

    Whatever comes matches, so that no byte is looked at twice.
    """
    return re.compile(rb'(?s)([^"]*)(?:".{0,%d})?' % (size - 1))


def _is_text(inside: bytes) -> bool:
    """Whether bytes are the inside of a JSON string without escapes."""
    if len(inside.translate(None, _NO_TEXT)) < len(inside):
        return False
    try:
        inside.decode()
    except UnicodeDecodeError:
        return False
    return True
