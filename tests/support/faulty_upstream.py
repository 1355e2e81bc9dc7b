"""An upstream of kind openai or gemini that works, until a test gives it a fault to play."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ssl import SSLContext

import orjson
from support.loopback import Loopback, Peer, Script, listening
from support.scripted_gemini import ANSWER, USAGE, candidate, crlf, listed
from support.scripted_upstream import COMPLETION, DONE, chunk

MODEL = "m"
TEXTS = ("Hel", "lo.")
JSON, EVENTS = "content-type: application/json", "content-type: text/event-stream"


class FaultyUpstream:
    """Plays `script` on each connection. `requests` are the calls it got, those for its models left out."""

    def __init__(self, tls: SSLContext | None = None) -> None:
        self.script: Script = works
        self.url = ""
        self.open = 0
        """Connections, as long as their scripts go on."""
        self._tls = tls
        self._port = 0
        self._served = AsyncExitStack()
        self._seen: list[Loopback] = []

    @property
    def requests(self) -> list[bytes]:
        return [request for seen in self._seen for request in seen.requests if request.startswith(b"POST")]

    @property
    def port(self) -> int:
        return self._port

    async def listen(self) -> None:
        """Listens, at the same port as before."""
        seen = await self._served.enter_async_context(listening(self._play, self._port, self._tls))
        self._seen.append(seen)
        self.url = seen.url
        self._port = int(seen.url.rpartition(":")[2])

    async def refuse(self) -> None:
        """Listens no more."""
        await self._served.aclose()

    async def _play(self, peer: Peer) -> None:
        self.open += 1
        try:
            await self.script(peer)
        finally:
            self.open -= 1


@asynccontextmanager
async def faulty_upstream(tls: SSLContext | None = None) -> AsyncIterator[FaultyUpstream]:
    """One that listens on a free port."""
    upstream = FaultyUpstream(tls)
    await upstream.listen()
    try:
        yield upstream
    finally:
        await upstream.refuse()


async def works(peer: Peer) -> None:
    """Answers one request as a server should, whatever it asks for, and closes."""
    await answers(peer, await peer.request())


async def answers(peer: Peer, request: bytes) -> None:
    content_type, body = whole_answer(request)
    await peer.answer(body, content_type, "connection: close")


def whole_answer(request: bytes) -> tuple[str, bytes]:
    """The header that tells the type of the right answer, and its body."""
    if asks_for_stream(request):
        return EVENTS, b"".join(event(request, text) for text in TEXTS) + ending(request)
    gemini = is_geminis(request)
    if request.startswith(b"GET"):
        return JSON, orjson.dumps({"models": [listed(MODEL)]} if gemini else {"data": [{"id": MODEL}]})
    if b"mbed" in _path(request):
        vector = {"values": [0.5, 0.5]} if gemini else {"index": 0, "embedding": [0.5, 0.5]}
        return JSON, orjson.dumps({"embeddings" if gemini else "data": [vector]})
    return JSON, orjson.dumps(ANSWER if gemini else COMPLETION)


def asks_for_stream(request: bytes) -> bool:
    return b":streamGenerateContent" in _path(request) or b'"stream":true' in request


def is_geminis(request: bytes) -> bool:
    """Whether a request is one of the Gemini API's."""
    return b"/v1beta/" in _path(request)


def event(request: bytes, text: str) -> bytes:
    """An event of the stream asked for that says `text`."""
    return crlf(candidate({"text": text})) if is_geminis(request) else _data(chunk(text))


def ending(request: bytes) -> bytes:
    """The events that end the stream asked for."""
    if is_geminis(request):
        return crlf(candidate({"text": ""}, finish="STOP", usageMetadata=USAGE))
    return _data(chunk(finish="stop")) + DONE


def _path(request: bytes) -> bytes:
    return request.split(b" ", 2)[1]


def _data(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
