"""Bytes of a connection turned into the parts of one answer, without any I/O.

llhttp reads them, with its own rules on what would be ambiguous: two lengths, or a length and chunks, are refused.
It bounds nothing, so here is counted what came without bringing content: heads, informational responses, chunk sizes
with their extensions, and trailers, which go nowhere.
"""

from dataclasses import dataclass, field
from typing import Final

import httptools

HEAD_BYTES: Final = 64 << 10
"""The most that may come before a body or between two pieces of it without being one."""
HEAD_FIELDS: Final = 256

_SWITCHING: Final = 101


class MalformedResponse(Exception):
    """What came is not HTTP/1, or more of a head than is taken."""


@dataclass(slots=True)
class ResponseHead:
    """What is known of an answer besides its body."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    complete: bool = False
    """Whether the body has come whole."""
    keeps_alive: bool = False
    """Whether another answer may come, once this one is complete."""

    @property
    def ends_with_connection(self) -> bool:
        """Whether the body has no other end."""
        return "content-length" not in self.headers and "transfer-encoding" not in self.headers


class ResponseParser:
    """Reads the answers of one connection, one after another; `restart` comes before each but the first.

    `answer` is None until a head has come, which is never that of an informational response. `pieces` are those of its
    body that nobody has taken.
    """

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.on_body = self.pieces.append  # what llhttp says of each piece; a function of ours takes five times as long
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True)
        self.restart()

    def restart(self) -> None:
        self.answer: ResponseHead | None = None
        self.pieces.clear()
        self._head = ResponseHead()
        self._fields = 0
        self._overhead = 0

    def feed(self, data: bytes) -> None:
        """Raises MalformedResponse, also for what follows the end of the answer, unless it could be another one.

        An answer with something else behind it had another length than it told.
        """
        try:
            while len(data) > HEAD_BYTES and self.answer is None:
                self._read(data[:HEAD_BYTES])
                data = data[HEAD_BYTES:]
            self._read(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise MalformedResponse from error

    def taken(self) -> bytes:
        """The pieces as one. They are nobody's after that."""
        piece = b"".join(self.pieces)
        self.pieces.clear()
        return piece

    def close(self) -> None:
        """Ends the circle of references between this and llhttp's."""
        del self._parser, self.on_body

    def _read(self, data: bytes) -> None:
        had = len(self.pieces)
        self._parser.feed_data(data)
        self._overhead = 0 if len(self.pieces) > had else self._overhead + len(data)
        if self._overhead > HEAD_BYTES and not (self.answer and self.answer.complete):
            raise MalformedResponse

    # What llhttp says

    def on_message_begin(self) -> None:
        self._head = ResponseHead()
        if self.answer is not None:  # nobody asked for another
            self.answer.keeps_alive = False
            self.pieces = self.pieces.copy()  # where its body does not go

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > HEAD_FIELDS:
            raise MalformedResponse
        head = self._head
        if head.status:  # it is a trailer
            return
        told, said = name.decode("latin-1").lower(), value.decode("latin-1")
        before = head.headers.get(told)
        head.headers[told] = said if before is None else f"{before}, {said}"

    def on_headers_complete(self) -> None:
        head, status = self._head, self._parser.get_status_code()
        if status < 100 or head.headers.get("transfer-encoding", "chunked").lower() != "chunked":
            raise MalformedResponse
        head.status = status
        if self.answer is None and (status >= 200 or status == _SWITCHING):
            self.answer = head

    def on_message_complete(self) -> None:
        head = self._head
        head.complete = True
        head.keeps_alive = head.status != _SWITCHING and self._parser.should_keep_alive()
