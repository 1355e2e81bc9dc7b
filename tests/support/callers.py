"""Callers at the three doors, who tell what they got in the same words, whichever door it came through."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import grpc
import orjson
from google.api import httpbody_pb2
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from modelwire.v1beta import chat_pb2, embeddings_pb2
from modelwire_client import status_of
from support.raw_http import RawClient, connected
from support.stack import Stack

DOORS = ("gRPC", "REST local", "REST remote")
PATIENCE = 15.0
"""Seconds after which a call that has not ended has failed its test."""

Kind = Literal["unary", "stream", "embeddings"]


@dataclass(frozen=True)
class Asked:
    """A call. `deadline` in seconds, None for none; `headers` are metadata at the gRPC door."""

    kind: Kind = "unary"
    model: str = "m"
    deadline: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = "Hi"
    members: Mapping[str, Any] = field(default_factory=dict)
    """More of the request's JSON."""

    @property
    def json(self) -> dict[str, Any]:
        if self.kind == "embeddings":
            return {"model": self.model, "input": self.text, **self.members}
        messages = [{"role": "user", "content": self.text}]
        streamed = {"stream": True} if self.kind == "stream" else {}
        return {"model": self.model, "messages": messages, **streamed, **self.members}


@dataclass(frozen=True)
class Failure:
    """An error as its caller learns it. What only one of the doors tells is None at the others."""

    code: str
    message: str
    reason: str = ""
    retry_after: float | None = None
    http_status: int | None = None
    type: str | None = None
    should_retry: str | None = None


@dataclass(frozen=True)
class Got:
    """What a caller got: the texts of a stream or an answer, `done` if it ended well, and the failure if not."""

    texts: tuple[str, ...] = ()
    done: bool = False
    failure: Failure | None = None


class Begun(Protocol):
    """A call under way."""

    async def text(self) -> str:
        """Waits for the next text of a stream."""
        ...

    async def ending(self) -> Got:
        """Waits for all there is still to come."""
        ...

    async def leave(self, *, rudely: bool = False) -> None:
        """Goes away; `rudely` without the usual words, where there is a difference."""
        ...


class Caller(Protocol):
    """A client at one of the doors."""

    async def begin(self, asked: Asked) -> Begun: ...

    async def begin_upload(self, asked: Asked) -> Begun:
        """A call whose request never comes to its end."""
        ...

    async def aclose(self) -> None: ...


async def got(caller: Caller, asked: Asked) -> Got:
    """What comes of a call."""
    async with asyncio.timeout(PATIENCE):
        return await (await caller.begin(asked)).ending()


def caller_at(door: str, stack: Stack) -> Caller:
    if door == "gRPC":
        return GrpcCaller(stack.grpc_address)
    return RestCaller(stack.url(door.removeprefix("REST ")).removeprefix("http://"))


class GrpcCaller:
    def __init__(self, address: str) -> None:
        self._channel = grpc.aio.insecure_channel(address)

    async def begin(self, asked: Asked) -> "_GrpcCall":
        options = {"metadata": tuple(asked.headers.items()), "timeout": asked.deadline}
        method = (self._channel.unary_unary if asked.kind == "embeddings" else self._channel.unary_stream)(_rpc(asked))
        return _GrpcCall(method(_wire(asked), **options), asked.kind)

    async def begin_upload(self, asked: Asked) -> "_GrpcCall":
        call = self._channel.stream_stream(_rpc(asked))()
        await call.wait_for_connection()
        return _GrpcCall(call, "stream")

    async def aclose(self) -> None:
        await self._channel.close()


class _GrpcCall:
    def __init__(self, call: Any, kind: Kind) -> None:
        self._call = call
        self._kind = kind

    async def text(self) -> str:
        async with asyncio.timeout(PATIENCE):
            while True:
                if texts := _texts(_events(httpbody_pb2.HttpBody.FromString(await self._call.read()).data)):
                    return "".join(texts)

    async def ending(self) -> Got:
        texts, done = [], False
        try:
            if self._kind == "embeddings":
                answer = embeddings_pb2.GenerateEmbeddingsResponse.FromString(await self._call)
                return Got((str(len(answer.data)),), done=True)
            while (message := await self._call.read()) is not grpc.aio.EOF:
                body = httpbody_pb2.HttpBody.FromString(message).data
                events = _events(body) if self._kind == "stream" else [orjson.loads(body)]
                done = done or self._kind == "unary" or events[-1:] == ["[DONE]"]
                texts += _texts(events)
            if (code := await self._call.code()) is not grpc.StatusCode.OK:
                raise grpc.aio.AioRpcError(code, (), await self._call.trailing_metadata(), await self._call.details())
        except grpc.aio.AioRpcError as error:
            return Got(tuple(texts), done, _grpc_failure(error))
        return Got(tuple(texts), done)

    async def leave(self, *, rudely: bool = False) -> None:
        self._call.cancel()


class RestCaller:
    def __init__(self, address: str) -> None:
        self._address = address
        self._connections = AsyncExitStack()

    async def begin(self, asked: Asked) -> "_RestCall":
        body = orjson.dumps(asked.json)
        return await self._sent(asked, [f"Content-Length: {len(body)}"], body)

    async def begin_upload(self, asked: Asked) -> "_RestCall":
        body = orjson.dumps(asked.json)
        return await self._sent(asked, [f"Content-Length: {len(body)}", "Expect: 100-continue"], body[:-1])

    async def aclose(self) -> None:
        await self._connections.aclose()

    async def _sent(self, asked: Asked, headers: list[str], body: bytes) -> "_RestCall":
        client = await self._connections.enter_async_context(connected(self._address))
        path = "/v1/embeddings" if asked.kind == "embeddings" else "/v1/chat/completions"
        if asked.deadline is not None:
            headers.append(f"Grpc-Timeout: {round(asked.deadline * 1000)}m")
        headers += [f"{name}: {value}" for name, value in asked.headers.items()]
        head = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
        await client.send("\r\n".join([*head, "", ""]).encode() + body)
        return _RestCall(client, asked.kind)


class _RestCall:
    def __init__(self, client: RawClient, kind: Kind) -> None:
        self._client = client
        self._kind = kind
        self._begun = False

    async def text(self) -> str:
        if not self._begun:
            await self._client.answer_head()
            self._begun = True
        while True:
            if texts := _texts(_events(await self._client.chunk())):
                return "".join(texts)

    async def ending(self) -> Got:
        if self._begun:
            return _stream_got(await self._rest())
        answer = await self._client.answer()
        if answer.status != 200:
            return Got(failure=_rest_failure(answer.json["error"], answer.status, answer.headers))
        if self._kind == "stream":
            assert answer.headers["content-type"] == "text/event-stream"
            return _stream_got(answer.body)
        if self._kind == "embeddings":
            return Got((str(len(answer.json["data"])),), done=True)
        return Got(tuple(_texts([answer.json])), done=True)

    async def _rest(self) -> bytes:
        body = b""
        while (piece := await self._client.chunk()) != b"":
            body += piece
        return body

    async def leave(self, *, rudely: bool = False) -> None:
        if rudely:
            self._client.reset()
        else:
            self._client.hang_up()


def _rpc(asked: Asked) -> str:
    if asked.kind == "embeddings":
        return "/modelwire.v1beta.EmbeddingService/GenerateEmbeddings"
    return "/modelwire.v1beta.ChatService/ChatCompletions"


def _wire(asked: Asked) -> bytes:
    embeddings = asked.kind == "embeddings"
    message = embeddings_pb2.GenerateEmbeddingsRequest() if embeddings else chat_pb2.ChatCompletionsRequest()
    wire: bytes = json_format.ParseDict(asked.json, message).SerializeToString()
    return wire


def _events(body: bytes) -> list[Any]:
    """The JSON of each event; `[DONE]` as it is. Comments are left out."""
    payloads = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event.startswith(b"data: ")]
    return [payload.decode() if payload == b"[DONE]" else orjson.loads(payload) for payload in payloads]


def _texts(events: list[Any]) -> list[str]:
    choices = [choice for event in events if isinstance(event, dict) for choice in event.get("choices", ())]
    contents = [(choice.get("delta") or choice.get("message") or {}).get("content") for choice in choices]
    return [content for content in contents if content]


def _stream_got(body: bytes) -> Got:
    """What a stream was; an error in it is the last of its events."""
    events = _events(body)
    *_, last = events or [None]
    assert not [event for event in events[:-1] if "error" in event]
    if isinstance(last, dict) and "error" in last:
        return Got(tuple(_texts(events)), failure=_rest_failure(last["error"], last["error"]["code"], {}))
    return Got(tuple(_texts(events)), done=last == "[DONE]")


def _rest_failure(error: dict[str, Any], status: int, headers: Mapping[str, str]) -> Failure:
    assert error["code"] == status
    reasons = [detail["reason"] for detail in error["details"] if "reason" in detail]
    wait = headers.get("retry-after-ms")
    return Failure(
        error["status"],
        error["message"],
        reason="".join(reasons),
        retry_after=None if wait is None else int(wait) / 1000,
        http_status=status,
        type=error["type"],
        should_retry=headers.get("x-should-retry"),
    )


def _grpc_failure(error: grpc.aio.AioRpcError) -> Failure:
    trailing = dict(error.trailing_metadata() or ())
    told = status_of(error) if "grpc-status-details-bin" in trailing else status_pb2.Status()
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in told.details:
        for wanted in (info, retry):
            detail.Unpack(wanted)
    assert not told.code or code_pb2.Code.Name(told.code) == error.code().name
    return Failure(
        error.code().name,
        error.details() or "",
        reason=info.reason,
        retry_after=retry.retry_delay.ToMilliseconds() / 1000 if retry.HasField("retry_delay") else None,
        should_retry=trailing.get("x-should-retry"),
    )
