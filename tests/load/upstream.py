"""`python -m load.upstream`: an OpenAI-compatible server that does what requests tell it, on a port that it prints.

It costs little, so that what is measured is what stands before it. Requests go to `/NAME/v1/…`, where NAME is the one
model that is listed there, too. Faults are played under any name but `steady`. `GET /figures` is its own view of
things, `POST /gate` opens the gate for all that wait at it, and for those that come.
"""

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

import uvloop
from load.plays import Play

STEADY: Final = "steady"
_JSON: Final = b"content-type: application/json\r\n"
_EVENTS: Final = b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
_USAGE: Final = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


class Upstream:
    """`open` requests are being served; of the `left` ones the other side went away; `written` are bytes of events."""

    def __init__(self) -> None:
        self.connections = 0
        self.open = 0
        self.served = 0
        self.left = 0
        self.written = 0
        self.gate = asyncio.Event()

    def figures(self) -> bytes:
        told = ("connections", "open", "served", "left", "written")
        return json.dumps({name: getattr(self, name) for name in told}).encode()


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.transport: Any = None
        self._input = b""
        self._room = asyncio.Event()
        self._room.set()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.upstream.connections += 1

    def connection_lost(self, _: Exception | None) -> None:
        self.upstream.connections -= 1
        if self._task is not None and not self._task.done():
            self.upstream.left += 1
            self._task.cancel()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def data_received(self, data: bytes) -> None:
        self._input += data
        head, end, rest = self._input.partition(b"\r\n\r\n")
        length = _content_length(head)
        if not end or len(rest) < length:
            return
        self._input = rest[length:]
        self._task = asyncio.create_task(self._serve(head.split(b" ", 2), rest[:length]))

    async def _serve(self, start: list[bytes], body: bytes) -> None:
        name, _, call = start[1].decode().lstrip("/").partition("/")
        if name == "figures":
            self.answer(self.upstream.figures())
        elif name == "gate":
            self.upstream.gate.set()
            self.answer(b"{}")
        elif call == "v1/models":
            self.answer(json.dumps({"object": "list", "data": [{"id": name, "object": "model"}]}).encode())
        else:
            self.upstream.open += 1
            try:
                await self.play(json.loads(body), faulty=name != STEADY)
            finally:
                self.upstream.open -= 1
                self.upstream.served += 1

    async def play(self, body: dict[str, Any], *, faulty: bool) -> None:
        play = Play.of(body)
        fault = FAULTS[play.fault] if faulty and play.fault else None
        if not body.get("stream"):
            await self.wait(play)
            await (fault(self, body) if fault else self._whole(body, play))
        elif fault and not play.after:
            await asyncio.sleep(play.pause)
            await fault(self, body)
        else:
            await self._stream(body, play, fault)

    async def _whole(self, body: dict[str, Any], play: Play) -> None:
        if "input" in body:
            self.answer(json.dumps({"data": [{"index": 0, "embedding": [0.5, -0.5]}], "usage": _USAGE}).encode())
            return
        message = {"role": "assistant", "content": "x" * play.size * play.events}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        self.answer(json.dumps({"id": "c", "choices": choices, "usage": _USAGE}).encode())

    async def _stream(self, body: dict[str, Any], play: Play, fault: "Fault | None" = None) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\n" + _EVENTS + b"\r\n")
        for index in range(play.events):
            if fault is not None and index == play.after:
                await fault(self, body)
                return
            if index:
                await self.wait(play)
            else:
                await asyncio.sleep(play.pause)
            await self.event({"choices": [{"index": 0, "delta": {"content": "x" * play.size}}]})
        await self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        await self.event({"choices": [], "usage": _USAGE})
        self.chunk(b"data: [DONE]\n\n")
        self.chunk(b"")

    async def wait(self, play: Play) -> None:
        if play.gated:
            await self.upstream.gate.wait()
        await asyncio.sleep(play.pause)

    async def event(self, value: dict[str, Any]) -> None:
        data = b"data: " + json.dumps(value).encode() + b"\n\n"
        self.chunk(data)
        self.upstream.written += len(data)
        await self._room.wait()

    def chunk(self, data: bytes) -> None:
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def answer(self, body: bytes, status: bytes = b"200 OK", header: bytes = b"") -> None:
        head = b"HTTP/1.1 %b\r\ncontent-length: %d\r\n" % (status, len(body))
        self.transport.write(head + _JSON + header + b"\r\n" + body)


Fault = Callable[[Connection, dict[str, Any]], Awaitable[None]]
"""Called with the request."""


async def _reset(connection: Connection, _: dict[str, Any]) -> None:
    connection.transport.abort()


async def _stall(_: Connection, __: dict[str, Any]) -> None:
    await asyncio.Event().wait()


async def _garbage(connection: Connection, _: dict[str, Any]) -> None:
    connection.transport.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    connection.transport.close()


async def _broken_json(connection: Connection, _: dict[str, Any]) -> None:
    connection.answer(b'{"choices": [{"index"')


async def _half_event(connection: Connection, _: dict[str, Any]) -> None:
    connection.chunk(b'data: {"choices": [')
    connection.transport.close()


def _refusing(status: bytes, header: bytes = b"", *, chance: float = 1.0) -> Fault:
    async def refuse(connection: Connection, body: dict[str, Any]) -> None:
        if random.random() < chance:
            connection.answer(b'{"error": {"message": "no"}}', status, header)
        else:
            await connection.play(body, faulty=False)

    return refuse


FAULTS: Final[dict[str, Fault]] = {
    "reset": _reset,
    "stall": _stall,
    "garbage": _garbage,
    "broken JSON": _broken_json,
    "half an event": _half_event,
    "500": _refusing(b"500 Internal Server Error"),
    "503": _refusing(b"503 Service Unavailable"),
    "429": _refusing(b"429 Too Many Requests", b"retry-after: 30\r\n"),
    "503 now and then": _refusing(b"503 Service Unavailable", b"retry-after: 0\r\n", chance=0.5),
}


def _content_length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)


async def main() -> None:
    upstream = Upstream()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(upstream), "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
