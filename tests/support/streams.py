"""Streams that are under way at a server, each on a connection of its own."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import grpc
import httpx
from google.api import httpbody_pb2
from modelwire.v1beta import chat_pb2, chat_pb2_grpc
from support.crews import PATIENCE, Crew
from support.scripted_upstream import DONE, ScriptedUpstream, answer_events, chunk

REQUEST = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def gated(upstream: ScriptedUpstream) -> asyncio.Event:
    """Makes the upstream stream one chunk, and the rest once the event is set."""
    gate = asyncio.Event()

    async def before_each(index: int) -> None:
        if index == 1:
            await gate.wait()

    upstream.answer = answer_events(chunk("a"), chunk("b"), chunk(finish="stop"), DONE, before_each=before_each)
    return gate


class Stream:
    """One stream, straight to the server or through the socket file `front`. It began where the server took it."""

    def __init__(self, crew: Crew, door: str, key: str | None = None, front: Path | None = None) -> None:
        self._url = "http://modelwire.example" if front else crew.url
        self._transport = httpx.AsyncHTTPTransport(uds=str(front) if front else None, verify=False)
        self._target = f"unix:{front}" if front else crew.grpc_address
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self.began = False
        self.decided = asyncio.Event()
        self._task = asyncio.create_task(self._over_rest() if door == "REST" else self._over_grpc())

    async def whole(self) -> bool:
        """Whether it ended as it should."""
        async with asyncio.timeout(PATIENCE):
            return (await self._task).endswith(DONE)

    def leave(self) -> None:
        self._task.cancel()

    async def _over_rest(self) -> bytes:
        taken = bytearray()
        try:
            async with (
                httpx.AsyncClient(transport=self._transport, timeout=PATIENCE) as client,
                client.stream(
                    "POST", f"{self._url}/v1/chat/completions", json=REQUEST, headers=self._headers
                ) as response,
            ):
                if response.status_code == 200:
                    async for piece in response.aiter_bytes():
                        self._took(taken, piece)
        except httpx.TransportError:
            pass
        finally:
            self.decided.set()
        return bytes(taken)

    async def _over_grpc(self) -> bytes:
        taken = bytearray()
        options = [("grpc.use_local_subchannel_pool", 1)]
        request = chat_pb2.ChatCompletionsRequest(model="scripted", stream=True)
        request.messages.add().update({"role": "user", "content": "Hi"})
        try:
            async with grpc.aio.insecure_channel(self._target, options=options) as channel:
                call = chat_pb2_grpc.ChatServiceStub(channel).ChatCompletions(
                    request, metadata=list(self._headers.items()), timeout=PATIENCE
                )
                body: httpbody_pb2.HttpBody
                async for body in call:
                    self._took(taken, body.data)
        except grpc.aio.AioRpcError:
            pass
        finally:
            self.decided.set()
        return bytes(taken)

    def _took(self, taken: bytearray, piece: bytes) -> None:
        taken += piece
        self.began = True
        self.decided.set()


async def begun(streams: Sequence[Stream]) -> list[Stream]:
    """Those that the server took, once that is known of all."""
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(stream.decided.wait() for stream in streams))
    return [stream for stream in streams if stream.began]
