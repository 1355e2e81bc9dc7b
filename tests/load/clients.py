"""Clients at both doors, who tell in the same words what became of their calls."""

import io
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import aiohttp
import grpc
import orjson
from google.api import httpbody_pb2
from load.plays import Play
from modelwire.v1beta import chat_pb2, embeddings_pb2

Kind = Literal["chat", "stream", "embeddings"]
_CHAT = "/modelwire.v1beta.ChatService/ChatCompletions"
_EMBEDDINGS = "/modelwire.v1beta.EmbeddingService/GenerateEmbeddings"
_DONE = b"data: [DONE]"
BROKEN = "BROKEN"
"""What became of a call whose answer broke off without a word."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call for `play`. `padding` characters go along to make the request long."""

    play: Play
    kind: Kind = "stream"
    model: str = "steady"
    id: str = ""
    padding: int = 0

    @property
    def messages(self) -> list[dict[str, str]]:
        texts = ["p" * self.padding, self.play.text] if self.padding else [self.play.text]
        return [{"role": "user", "content": text} for text in texts]

    @property
    def metadata(self) -> dict[str, str]:
        return {"x-request-id": self.id} if self.id else {}


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a call: the name of its gRPC status, how many texts came, and whether it says when to come again.

    `wrong` is what is amiss in an answer that ended well.
    """

    status: str
    texts: int = 0
    told_when: bool = False
    wrong: str = ""
    seconds: float = 0.0
    at: float = 0.0
    """When it ended, on the clock of `time.monotonic`."""


Heard = Callable[[], None]
"""Called with each piece of an answer."""


class Client(Protocol):
    async def call(self, asked: Asked, heard: Heard = ...) -> Ended:
        """Makes a call. Cancelling it leaves as a client does that goes away."""
        ...


def ignored() -> None:
    pass


class RestClient:
    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def call(self, asked: Asked, heard: Heard = ignored) -> Ended:
        began = time.monotonic()
        path = "embeddings" if asked.kind == "embeddings" else "chat/completions"
        pieces: list[bytes] = []
        try:
            async with self._session.post(
                f"{self._url}/v1/{path}", data=io.BytesIO(orjson.dumps(_body(asked))), headers=_headers(asked)
            ) as response:
                async for piece in response.content.iter_any():
                    pieces.append(piece)
                    heard()
                told_when = "retry-after" in response.headers
        except (aiohttp.ClientError, ConnectionError):
            return _ended(began, Ended(BROKEN, texts=b"".join(pieces).count(b'"content":"x')))
        return _ended(began, _rest_answer(asked, response.status, b"".join(pieces), told_when=told_when))


class GrpcClient:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._chat = channel.unary_stream(
            _CHAT, chat_pb2.ChatCompletionsRequest.SerializeToString, httpbody_pb2.HttpBody.FromString
        )
        self._embeddings = channel.unary_unary(
            _EMBEDDINGS, embeddings_pb2.GenerateEmbeddingsRequest.SerializeToString, _read_embeddings
        )

    async def call(self, asked: Asked, heard: Heard = ignored) -> Ended:
        began = time.monotonic()
        metadata = tuple(asked.metadata.items())
        pieces: list[bytes] = []
        try:
            if asked.kind == "embeddings":
                request = embeddings_pb2.GenerateEmbeddingsRequest(model=asked.model)
                request.input.string_value = asked.play.text
                return _ended(began, await self._embeddings(request, metadata=metadata))
            async for piece in self._chat(chat_request(asked), metadata=metadata):
                pieces.append(piece.data)
                heard()
        except grpc.aio.AioRpcError as error:
            told_when = b"RetryInfo" in dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
            return _ended(began, Ended(error.code().name, b"".join(pieces).count(b'"content":"x'), told_when))
        return _ended(began, _good(asked, b"".join(pieces)))


@asynccontextmanager
async def clients_of(url: str, grpc_address: str, channels: int = 4) -> AsyncIterator[list[Client]]:
    """A client at the REST door, and one for each of so many connections to the gRPC door."""
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
    async with AsyncExitStack() as stack:
        connector, forever = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=forever))
        opened = [grpc.aio.insecure_channel(grpc_address, options=options) for _ in range(channels)]
        for channel in opened:
            await stack.enter_async_context(channel)
        yield [RestClient(url, session), *(GrpcClient(channel) for channel in opened)]


def _body(asked: Asked) -> dict[str, Any]:
    if asked.kind == "embeddings":
        return {"model": asked.model, "input": asked.play.text}
    return {"model": asked.model, "messages": asked.messages, "stream": asked.kind == "stream"}


def _headers(asked: Asked) -> dict[str, str]:
    return {"content-type": "application/json", **asked.metadata}


def chat_request(asked: Asked) -> chat_pb2.ChatCompletionsRequest:
    """The message of a chat at the gRPC door."""
    request = chat_pb2.ChatCompletionsRequest(model=asked.model, stream=asked.kind == "stream")
    for message in asked.messages:
        request.messages.add().update(message)
    return request


def _read_embeddings(wire: bytes) -> Ended:
    answer = embeddings_pb2.GenerateEmbeddingsResponse.FromString(wire)
    vectors = [[value.number_value for value in each.embedding.list_value.values] for each in answer.data]
    return Ended("OK", wrong="" if vectors == [[0.5, -0.5]] else f"{vectors}")


def _rest_answer(asked: Asked, status: int, body: bytes, *, told_when: bool) -> Ended:
    if status != 200:
        return Ended(orjson.loads(body)["error"]["status"], told_when=told_when)
    if asked.kind == "embeddings":
        vectors = [each["embedding"] for each in orjson.loads(body)["data"]]
        return Ended("OK", wrong="" if vectors == [[0.5, -0.5]] else f"{vectors}")
    _, found, error = body.rpartition(b'data: {"error":')
    if found:
        return Ended(orjson.loads(b'{"error":' + error)["error"]["status"], body.count(b'"content":"x'))
    return _good(asked, body)


def _good(asked: Asked, body: bytes) -> Ended:
    """An answer that ended well: is it the one asked for?"""
    play = asked.play
    if asked.kind == "chat":
        text = orjson.loads(body)["choices"][0]["message"]["content"]
        return Ended("OK", 1, wrong="" if text == "x" * play.size * play.events else f"{text[:80]}")
    texts = body.count(b'"content":"' + b"x" * play.size + b'"')
    well = texts == play.events and body.rstrip().endswith(_DONE)
    return Ended("OK", texts, wrong="" if well else f"{texts} of {play.events} texts, ending {body[-80:]!r}")


def _ended(began: float, ended: Ended) -> Ended:
    now = time.monotonic()
    return Ended(ended.status, ended.texts, ended.told_when, ended.wrong, now - began, now)
