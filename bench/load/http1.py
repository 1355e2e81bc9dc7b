"""Calls over HTTP/1.1: the same bytes each time, and just enough reading to know a right answer."""

import re
from typing import Final

from bench.load.dialogue import Expected

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"
_SHOWN: Final = 300


def request(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


class Http1:
    """A Dialogue of one request over and over."""

    def __init__(self, sent: bytes, expected: Expected) -> None:
        self.failure = ""
        self.heard = False
        self._sent = sent
        self._expected = expected
        self._parts: list[bytes] = []
        self._missing = 0
        """Bytes of the answer being read; 0 where its length is not known."""
        self._chunked = False
        self._tail = b""

    def greeting(self) -> bytes:
        return b""

    def call(self) -> bytes:
        self._parts = []
        self._missing = 0
        self._chunked = False
        return self._sent

    def read(self, data: bytes) -> tuple[bool, bytes]:
        self._parts.append(data)
        self.heard = self._expected.marker in data
        if self._missing:
            self._missing -= len(data)
            whole = self._missing <= 0
        else:
            whole = self._chunks_end(data) if self._chunked else self._begins()
        if whole:
            self.failure = self._complaint(b"".join(self._parts))
        return whole, b""

    def _begins(self) -> bool:
        """Looks for the end of the head in what has come so far; whether all else is there too."""
        data = b"".join(self._parts)
        head = data.find(b"\r\n\r\n") + 4
        if head < 4:
            return False
        if length := _LENGTH.search(data, 0, head):
            self._missing = head + int(length[1]) - len(data)
            return self._missing <= 0
        if not _CHUNKED.search(data, 0, head):
            raise ValueError(f"an answer without a length: {_shown(data)}")
        self._chunked = True
        return self._chunks_end(data)

    def _chunks_end(self, data: bytes) -> bool:
        tail = data[-len(_LAST_CHUNK) :]
        self._tail = tail if len(tail) == len(_LAST_CHUNK) else (self._tail + tail)[-len(_LAST_CHUNK) :]
        return self._tail == _LAST_CHUNK

    def _complaint(self, answer: bytes) -> str:
        if not answer.startswith(b"HTTP/1.1 200"):
            return _shown(answer)
        wanted = self._expected
        if wanted.count == 1 and answer.rfind(wanted.marker) >= 0:
            return ""
        found = answer.count(wanted.marker)
        if found != wanted.count and _CHUNKED.search(answer, 0, answer.find(b"\r\n\r\n")):
            found = body_of(answer).count(wanted.marker)
        return "" if found == wanted.count else f"{found} of {wanted.count} × {wanted.marker!r} in {_shown(answer)}"


def body_of(answer: bytes) -> bytes:
    """The body of a whole answer, taken out of its chunks."""
    at = answer.find(b"\r\n\r\n") + 4
    if not _CHUNKED.search(answer, 0, at):
        return answer[at:]
    parts = []
    while size := int(answer[at : (end := answer.index(b"\r\n", at))].partition(b";")[0], 16):
        parts.append(answer[end + 2 : end + 2 + size])
        at = end + 4 + size
    return b"".join(parts)


def _shown(answer: bytes) -> str:
    return answer[:_SHOWN].decode(errors="replace")
