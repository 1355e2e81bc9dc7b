"""The head of an HTTP/1.1 answer: header lines, fit to be sent, and what they say of the body and the connection."""

import re
from collections.abc import Iterable
from typing import Final

from uvicorn.protocols.http.httptools_impl import HEADER_RE, STATUS_LINE

from modelwire_gateway.remembered import Remembered

_CONTENT_LENGTH: Final = b"content-length: "
_TRANSFER_ENCODING: Final = b"transfer-encoding: "
_CONNECTION: Final = b"connection: "
_TELLING: Final = frozenset({_CONTENT_LENGTH, _TRANSFER_ENCODING, _CONNECTION})
_UNFIT: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # beside the ends of lines, which are counted


def _line_start(name: bytes) -> bytes:
    if HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    return name.lower() + b": "


_LINE_STARTS: Final = Remembered(_line_start)


class AnswerHead:
    """The head of an answer of `status`.

    Raises RuntimeError for a header that would be none, or several: a server splits no answers, whatever an app says.
    """

    __slots__ = ("chunked", "closes", "length", "lines")

    def __init__(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.length: int | None = None
        """What the body's length is said to be."""
        self.chunked = False
        """Whether the body is said to come in chunks."""
        self.closes = False
        """Whether the connection is said to close."""
        parts: list[bytes] = []
        starts = _LINE_STARTS
        for name, value in headers:
            start = starts[name]
            if start in _TELLING:
                self._hear(start, value)
            parts += (start, value, b"\r\n")
        lines = b"".join(parts)
        if not lines.count(b"\n") * 3 == lines.count(b"\r") * 3 == len(parts) or _UNFIT.search(lines):
            raise RuntimeError("Invalid HTTP header value.")
        self.lines = STATUS_LINE[status] + lines
        """Status line and headers, without the empty line after them."""

    def _hear(self, start: bytes, value: bytes) -> None:
        if start == _CONNECTION:
            self.closes |= b"close" in [token.strip() for token in value.lower().split(b",")]
        elif start == _CONTENT_LENGTH:
            if not self.chunked and self.length is None:
                self.length = int(value)
        elif value.lower() == b"chunked":
            self.chunked = True
            self.length = None
