"""HTTP answers read strictly (RFC 9112): nothing is forgiven."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from support.codings import decoded

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\x20-\x7e]*\r\n")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e\t]*)\r\n")
_CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]+)\r\n")


class MalformedAnswerError(Exception):
    """What came is no HTTP answer; the text says where."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One final answer, its body without codings. `whole` is false where the connection ended before it did."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool

    @property
    def closes(self) -> bool:
        return not self.whole or self.headers.get("connection") == "close"


def read_answers(data: bytes, methods: Sequence[str] | None) -> Iterator[HttpAnswer]:
    """The final answers in all that a connection brought.

    `methods` are those of the requests in their order; without them no answer is taken for one to HEAD.
    Raises MalformedAnswerError.
    """
    at, final = 0, 0
    while at < len(data):
        status, headers, at = _head(data, at)
        if status < 200:
            continue
        to_head = methods is not None and methods[final : final + 1] == ("HEAD",)
        body, at, whole = (b"", at, True) if to_head or status in (204, 304) else _body(data, at, headers)
        yield _decoded(HttpAnswer(status, headers, body, whole))
        final += 1


def _head(data: bytes, at: int) -> tuple[int, dict[str, str], int]:
    if (line := _STATUS_LINE.match(data, at)) is None:
        raise MalformedAnswerError(f"no status line at byte {at}: {data[at : at + 80]!r}")
    headers: dict[str, str] = {}
    at = line.end()
    while not data.startswith(b"\r\n", at):
        if (header := _HEADER.match(data, at)) is None:
            raise MalformedAnswerError(f"no header at byte {at}: {data[at : at + 80]!r}")
        name, value = header[1].decode().lower(), header[2].decode()
        if name in headers and name in ("content-length", "content-type", "transfer-encoding", "x-request-id"):
            raise MalformedAnswerError(f"{name} comes twice: {headers[name]!r} and {value!r}")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
        at = header.end()
    return int(line[1]), headers, at + 2


def _body(data: bytes, at: int, headers: dict[str, str]) -> tuple[bytes, int, bool]:
    """The body, where it ends and whether all of it is there."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None and length is not None:
        raise MalformedAnswerError("both transfer-encoding and content-length")
    if coding is not None:
        return _chunked(data, at)
    if length is None:
        return data[at:], len(data), headers.get("connection") == "close"
    end = at + int(length)
    return data[at:end], min(end, len(data)), end <= len(data)


def _chunked(data: bytes, at: int) -> tuple[bytes, int, bool]:
    pieces = []
    while (size_line := _CHUNK_SIZE.match(data, at)) is not None:
        start, size = size_line.end(), int(size_line[1], 16)
        at = start + size + 2
        pieces.append(data[start : start + size])
        if at > len(data):
            break
        if data[at - 2 : at] != b"\r\n":
            raise MalformedAnswerError(f"a chunk does not end at byte {at - 2}: {data[at - 2 : at + 20]!r}")
        if not size:
            return b"".join(pieces), at, True
    if at < len(data) and len(data) - at > 20:
        raise MalformedAnswerError(f"no chunk at byte {at}: {data[at : at + 80]!r}")
    return b"".join(pieces), len(data), False


def _decoded(answer: HttpAnswer) -> HttpAnswer:
    """The answer with its body as it was before its coding."""
    coding = answer.headers.get("content-encoding")
    if coding is None or not (answer.body and answer.whole):
        return answer
    try:
        return replace(answer, body=decoded(coding, answer.body))
    except Exception as error:  # each library has its own
        if not answer.headers.keys() & {"content-length", "transfer-encoding"}:
            return replace(answer, whole=False)  # that the connection ended did not mean that the body had
        raise MalformedAnswerError(f"no {coding}: {error!r}") from None
