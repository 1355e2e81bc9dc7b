"""Cuts a stream of JSON values into its elements, as it arrives.

Theory of operation. An element is not understood here, only its end is found; whoever takes it parses it. Between
two elements the text is at a `_Place`, which says what may come. Inside one, three things are enough to know: how
many brackets are open, whether a string is, and where the scan has got to. Nothing is scanned twice, and all
scanning is done by regular expressions that cannot fail: each takes what it can and stops at what decides.

A list or an object ends with the bracket that closes it, whatever its kind, and a string with its quote, so that
they are handed out before anything follows. A number, and `true`, `false` and `null`, end where something else
begins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from modelwire_gateway.json_codec import JsonError
from modelwire_gateway.json_codec.json_text import MAX_VALUES

_BLANKS: Final = b" \t\r\n"
_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_BARE: Final = re.compile(rb'[^ \t\r\n,:"\[\]{}]*+')
_NESTED: Final = re.compile(rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+', re.DOTALL)
_CONTENT: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_QUOTE: Final = ord('"')
_BRACKETS: Final = frozenset(b"[{")
_BEGINNINGS: Final = frozenset(b'[{"-0123456789tfn')


class Cutter(Protocol):
    """Cuts a text that arrives in pieces."""

    @property
    def pending(self) -> int:
        """The bytes of an element whose end has not come."""
        ...

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The elements that `data` completes. To be exhausted before more is fed. Raises JsonError."""
        ...

    def finish(self) -> Iterator[bytes]:
        """The element that the end of the text completes, if there is one. Raises JsonError for a text cut short."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where between two elements the text has got to."""

    expected: str
    takes_value: bool = True
    may_end: bool = False


_START: Final = _Place("a value", may_end=True)
_IN_SEQUENCE: Final = _Place("a value", may_end=True)
_ARRAY_BEGINS: Final = _Place("a value or ']'")
_AFTER_COMMA: Final = _Place("a value")
_AFTER_VALUE: Final = _Place("',' or ']'", takes_value=False)
_ARRAY_ENDED: Final = _Place("nothing", takes_value=False, may_end=True)
_STEPS: Final[dict[_Place, dict[int, _Place]]] = {
    _START: {ord("["): _ARRAY_BEGINS},
    _IN_SEQUENCE: {},
    _ARRAY_BEGINS: {ord("]"): _ARRAY_ENDED},
    _AFTER_COMMA: {},
    _AFTER_VALUE: {ord(","): _AFTER_COMMA, ord("]"): _ARRAY_ENDED},
    _ARRAY_ENDED: {},
}


class JsonSequence:
    """The elements of a JSON array; of a text that does not begin with `[`, the JSON values that follow each other."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._dropped = 0
        self._at = 0
        self._count = 0
        self._place = _START
        self._inside = False
        self._bare = False
        self._in_string = False
        self._depth = 0
        self._opened = 0
        self._start = 0

    @property
    def pending(self) -> int:
        return len(self._text)

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._text += data
        while (self._inside or self._begin()) and self._reach_end():
            yield self._cut()
        done = self._start if self._inside else self._at
        del self._text[:done]
        self._dropped += done
        self._at -= done
        self._start = 0

    def finish(self) -> Iterator[bytes]:
        if self._inside:
            if not (self._bare and self._place.may_end):
                raise self._error("the end comes inside a value")
            yield self._cut()
        if not self._place.may_end:
            raise self._error(f"{self._place.expected} is expected, not the end")

    def _begin(self) -> bool:
        """Goes to where the next element begins; whether it is there yet."""
        while (byte := self._next_byte()) is not None:
            step = _STEPS[self._place].get(byte)
            if step is None:
                self._enter(byte)
                return True
            self._place = step
            self._at += 1
        return False

    def _next_byte(self) -> int | None:
        """The next one that is no white space."""
        text, at = self._text, self._at
        if at < len(text) and text[at] in _BLANKS:
            at = self._at = _end(_SPACE, text, at)
        return text[at] if at < len(text) else None

    def _enter(self, byte: int) -> None:
        if not self._place.takes_value or byte not in _BEGINNINGS:
            found = repr(chr(byte)) if byte < 128 else f"byte {byte:#x}"
            raise self._error(f"{self._place.expected} is expected, not {found}")
        self._inside = True
        self._start = self._at
        self._in_string = byte == _QUOTE
        self._bare = not self._in_string and byte not in _BRACKETS
        self._opened = 0
        self._at += self._in_string

    def _reach_end(self) -> bool:
        """Goes to where the element ends, or as far as the text does; whether it ends."""
        if self._bare:
            self._at = _end(_BARE, self._text, self._at)
            return self._at < len(self._text)
        while not self._in_string or self._close_string():
            if self._depth == 0 and self._at > self._start:
                return True
            self._count_brackets()
            if self._at == len(self._text):
                return self._depth == 0
        return False

    def _close_string(self) -> bool:
        self._at = _end(_CONTENT, self._text, self._at)
        # What may be left is the quote, or a backslash whose second half has not come.
        if self._text[self._at : self._at + 1] != b'"':
            return False
        self._at += 1
        self._in_string = False
        return True

    def _count_brackets(self) -> None:
        """Goes behind the bracket that closes the element, into a string that does not end yet, or to the end."""
        text, at, depth, opened = self._text, self._at, self._depth, self._opened
        size = len(text)
        while (at := _end(_NESTED, text, at)) < size:
            byte = text[at]
            at += 1
            if byte in _BRACKETS:
                depth += 1
                opened += 1
            elif byte == _QUOTE:
                self._in_string = True
                break
            else:
                depth -= 1
                if depth == 0:
                    break
        self._at, self._depth, self._opened = at, depth, opened
        if opened > MAX_VALUES:  # who parses it would refuse it too, but only when all of it has come
            raise JsonError(f"[{self._count}]", f"holds more than {MAX_VALUES} values")

    def _cut(self) -> bytes:
        element = bytes(self._text[self._start : self._at])
        self._inside = False
        self._count += 1
        self._place = _IN_SEQUENCE if self._place.may_end else _AFTER_VALUE
        return element

    def _error(self, complaint: str) -> JsonError:
        return JsonError(
            f"[{self._count}]", f"invalid JSON at byte {self._dropped + self._at} of the body: {complaint}"
        )


class JsonRecords:
    """JSON values kept apart by `separator`: a line feed, or the record separator of RFC 7464. Empty ones are none."""

    def __init__(self, separator: bytes) -> None:
        self._separator = separator
        self._record = bytearray()  # a list of pieces would take many times the memory where they are short

    @property
    def pending(self) -> int:
        return len(self._record)

    def feed(self, data: bytes) -> Iterator[bytes]:
        *ended, rest = data.split(self._separator)
        for part in ended:
            if part or self._record:
                self._record += part
                yield from self.finish()
        self._record += rest

    def finish(self) -> Iterator[bytes]:
        record = bytes(self._record).strip(_BLANKS)
        self._record.clear()
        if record:
            yield record


def _end(pattern: re.Pattern[bytes], text: bytearray, start: int) -> int:
    """Where what `pattern` takes from `start` ends."""
    match = pattern.match(text, start)
    return match.end() if match else start
