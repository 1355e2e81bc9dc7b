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
from typing import Final

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.text_runs import TextRun

_TEXT: Final = re.compile(rb'"content": ?"([^"]*)')
_NO_TEXT: Final = b'"\\' + bytes(range(0x20))
_AT_FIRST: Final = 1 << 10  # bytes looked at together, and then each time four times as many: a run may end soon


class TextPattern:
    """The events that are as `event`, whose JSON is the plain chunk `like`, but for the text between the two ends."""

    __slots__ = ("_after", "_before", "_between", "_like")

    def __init__(self, like: Json, before: bytes, after: bytes) -> None:
        self._before = b"data: " + before
        self._after = after + b"\n\n"
        self._between = self._after + self._before
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
        texts, at = self._many(piece, start)
        while at < len(piece) and (text := self._one(piece, at)) is not None:
            texts.append(text)
            at += len(text) + len(self._between)
        return (TextRun(self._like, texts), at) if texts else None

    def _many(self, piece: bytes, at: int) -> tuple[list[bytes], int]:
        """The texts of events from `at` on, as far as many are told together, and where those end."""
        texts: list[bytes] = []
        before, after, between, size = self._before, self._after, self._between, _AT_FIRST
        while len(piece) - at > _AT_FIRST and piece.startswith(before, at):
            begin, end = at + len(before), piece.rfind(after, at, at + size)  # of all from the first text to the last
            found = _texts_between(len(between)).findall(piece, begin, end + 1)[:-1]
            joined = between.join(found)
            if begin + len(joined) != end or not piece.startswith(joined, begin) or not _is_text(b" ".join(found)):
                break
            texts += found
            at, size = end + len(after), 4 * size
        return texts, at

    def _one(self, piece: bytes, at: int) -> bytes | None:
        """The text of the event at `at`; None if that is not as the pattern has it."""
        if not piece.startswith(self._before, at):
            return None
        begin = at + len(self._before)
        end = piece.find(b'"', begin)
        text = piece[begin:end]
        return text if end >= 0 and piece.startswith(self._after, end) and _is_text(text) else None


@lru_cache(maxsize=64)
def _texts_between(size: int) -> re.Pattern[bytes]:
    """Finds texts between which there are `size` bytes, a quote the first of them; and at the end, one that is none.

    Whatever comes matches, so that no byte is looked at twice.
    """
    return re.compile(rb'(?s)([^"]*)(?:".{0,%d})?' % (size - 1))


def _is_text(inside: bytes) -> bool:
    """Whether bytes are the inside of a JSON string without escapes."""
    if inside.translate(None, _NO_TEXT) != inside:
        return False
    try:
        inside.decode()
    except UnicodeDecodeError:
        return False
    return True
