"""A mock of an OpenAI-compatible server that does as little as it can: `python -m bench.upstream.mock PORT`.

Every answer is made before the first request comes, so that what it costs is one search in the request and one write.
It still refuses what a real one would refuse: a path it has not, a model it has not, a prompt that was cut short, a
stream that nobody asked for. Port 0 picks a free one; the first line printed is HOST:PORT.
"""

import asyncio
import re
import sys
from typing import Final, cast

import uvloop

from bench.upstream import answers
from bench.upstream.answers import EventStream, refusal

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_MODEL: Final = re.compile(rb'"model": ?"([^"]+)"')
_STREAM: Final = re.compile(rb'"stream": ?true')
_BASE64: Final = re.compile(rb'"encoding_format": ?"base64"')
_INCLUDE_USAGE: Final = re.compile(rb'"include_usage": ?true')
_PROMPT_END: Final = answers.PROMPT_END.encode()
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"

Answer = bytes | EventStream


class Answers:
    """All answers there are, and which of them a request gets."""

    def __init__(self) -> None:
        self._completions = {model.encode(): answer for model, answer in answers.completions().items()}
        self._streams = {
            with_usage: {model.encode(): stream for model, stream in answers.streams(with_usage).items()}
            for with_usage in (False, True)
        }
        self._embeddings = {as_base64: answers.embeddings(as_base64) for as_base64 in (False, True)}
        self._models = answers.models()

    def to(self, request: bytes) -> Answer:
        """The answer to a whole request, head and body."""
        target = request[: request.index(b"\r\n")].split(b" ")[1].partition(b"?")[0]
        if target.endswith(b"/chat/completions"):
            return self._chat(request)
        if target.endswith(b"/embeddings"):
            return self._embeddings[bool(_BASE64.search(request))] if _is_whole(request) else _CUT_SHORT
        if target.endswith(b"/models"):
            return self._models
        return refusal("no such path", "404 Not Found")

    def _chat(self, request: bytes) -> Answer:
        found = _MODEL.search(request)
        model = found[1] if found else b""
        if not _is_whole(request):
            return _CUT_SHORT
        if not _STREAM.search(request):
            return self._completions.get(model, _NO_MODEL)
        return self._streams[bool(_INCLUDE_USAGE.search(request))].get(model, _NO_MODEL)


_CUT_SHORT: Final = refusal("the prompt does not end as it should")
_NO_MODEL: Final = refusal("no such model, or not as a stream, or only as one", "404 Not Found")


def _is_whole(request: bytes) -> bool:
    return _PROMPT_END in request


class Connection(asyncio.Protocol):
    """One caller. Requests are answered in order, one after the other."""

    def __init__(self, known: Answers) -> None:
        self._known = known
        self._parts: list[bytes] = []
        self._missing = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._parts:
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._parts)
            self._parts = []
        while data:
            self._missing = missing(data)
            if self._missing > 0:
                self._parts = [data]
                return
            end = len(data) + self._missing
            self._answer(self._known.to(data[:end]))
            data = data[end:]

    def _answer(self, answer: Answer) -> None:
        if isinstance(answer, bytes):
            self._transport.write(answer)
        elif answer.gap:
            self._pace(answer, 0, asyncio.get_running_loop().time())
        else:
            self._transport.write(answer.head + b"".join(answer.events) if answer.held else answer.whole())

    def _pace(self, stream: EventStream, at: int, began: float) -> None:
        """Sends the event `at`, and the next when its time has come, counted from the first."""
        if at == len(stream.events):
            self._transport.write(stream.tail)
            return
        self._transport.write(stream.events[at] if at else stream.head + stream.events[0])
        due = began + (at + 1) * stream.gap
        self._timer = asyncio.get_running_loop().call_at(due, self._pace, stream, at + 1, began)


def missing(data: bytes) -> int:
    """How many bytes of the first request are still to come; negative where more follows it; 1 where nobody knows."""
    head = data.find(b"\r\n\r\n") + 4
    if head < 4:
        return 1
    if length := _LENGTH.search(data, 0, head):
        return head + int(length[1]) - len(data)
    if _CHUNKED.search(data, 0, head):
        return 0 if data.endswith(_LAST_CHUNK) else 1
    return head - len(data)


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    known = Answers()
    server = await loop.create_server(lambda: Connection(known), "127.0.0.1", port, backlog=4096)
    sys.stdout.write("{}:{}\n".format(*server.sockets[0].getsockname()))
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
