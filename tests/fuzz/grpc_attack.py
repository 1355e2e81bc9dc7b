"""An attack on the door for gRPC: calls that grpc's own client makes, and frames that no client would send."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import grpc
from fuzz.http2_frames import conversation
from fuzz.mutations import scrambled
from fuzz.values import message_json
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor
from modelwire_gateway.sources.descriptors import built_in_services

PATIENCE: Final = 10.0
"""Seconds after which a call without a deadline of its own hangs."""
_WORKERS: Final = 8
_OURS: Final = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS)
_GRPCS: Final = ("/grpc.health.", "/grpc.reflection.")
"""What grpc's own packages serve: they tell of bytes they cannot read in their way, as UNKNOWN."""
_LEAKS: Final = re.compile(r'Traceback|File "|\.py\b|site-packages|0x7f[0-9a-f]{8}|://127\.0\.0\.1|<class|Error\(')
_KEYS: Final = (
    *("authorization", "x-goog-api-key", "x-request-id", "x-stainless-timeout", "x-stainless-read-timeout"),
    *("traceparent", "x-forwarded-for", "user-agent", "x-odd", "x-odd-bin", "a" * 300, "grpc-previous-rpc-attempts"),
)
_VALUES: Final = (
    *("", "x", "Bearer x", "Basic eDp5", "Bearer a b", "-1", "nan", "1e400", "1", "0", "a,b", "x" * 5_000, "~" * 200),
    *("%00", "mw-aaaaaaaaaa-" + "A" * 43),
)
_UNKNOWN: Final = (
    *("/", "//", "/a", "/a/b/c", "/modelwire.v1beta.ChatService/", "/modelwire.v1beta.chatservice/ChatCompletions"),
    *("/modelwire.v1beta.ChatService/../ModelService/ListModels", "/grpc.health.v1.Health/Nothing", "/\u00fc/x"),
    *("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "/grpc.health.v1.Health/Check"),
)


@dataclass(slots=True)
class Findings:
    """What came of an attack. Nothing is wrong if there are no `complaints`."""

    codes: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    complaints: list[str] = field(default_factory=list)


class GrpcAttack:
    """Makes calls that follow from `seed`, several at a time."""

    def __init__(self, address: str, seed: str) -> None:
        self.findings = Findings()
        self._address = address
        self._seed = seed
        self._next = 0
        self._inputs = {
            f"/{service.full_name}/{method.name}": method.input_type
            for service in built_in_services()
            for method in service.methods
        }

    async def run(self, seconds: float, look: Callable[[], None]) -> Findings:
        """Runs for `seconds`; `look` is called now and then."""
        end = time.monotonic() + seconds
        async with grpc.aio.insecure_channel(self._address) as channel:
            workers = [asyncio.create_task(self._work(channel, end)) for _ in range(_WORKERS)]
            while not all(worker.done() for worker in workers):
                await asyncio.wait(workers, timeout=0.25)
                look()
            await asyncio.gather(*workers)
        return self.findings

    async def _work(self, channel: grpc.aio.Channel, end: float) -> None:
        while time.monotonic() < end and len(self.findings.complaints) < 5:
            self._next += 1
            name = f"{self._seed}-{self._next}"
            random = Random(name)
            try:
                async with asyncio.timeout(PATIENCE):
                    await (self._frames(random) if random.random() < 0.25 else self._call(channel, random, name))
            except TimeoutError:
                self.findings.complaints.append(f"{name}: hang")

    async def _call(self, channel: grpc.aio.Channel, random: Random, name: str) -> None:
        path = random.choice(list(self._inputs))
        wire = self._wire(self._inputs[path], random)
        path = random.choice((path, path, path, path, random.choice(_UNKNOWN)))
        metadata = [(random.choice(_KEYS), random.choice(_VALUES)) for _ in range(random.choice((0, 1, 4)))]
        encoded = [(key, value.encode() if key.endswith("-bin") else value) for key, value in metadata]
        limit = random.choice((None, None, None, 0.001, 0.05))
        call = channel.unary_stream(path)(wire, metadata=encoded, timeout=limit)
        if random.random() < 0.05:
            call.cancel()
        with suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
            while await call.read() is not grpc.aio.EOF:
                pass
        if not path.startswith(_GRPCS):
            self._judge(await call.code(), await call.details() or "", f"{name} {path}", bool(limit or metadata))

    def _judge(self, code: grpc.StatusCode, details: str, name: str, may_be_late: bool) -> None:
        self.findings.codes[code.name] += 1
        if code in _OURS or (code is grpc.StatusCode.DEADLINE_EXCEEDED and not may_be_late):
            self.findings.complaints.append(f"{name}: {code.name} {details[:200]}")
        elif code is not grpc.StatusCode.UNAVAILABLE and _LEAKS.search(details):
            self.findings.complaints.append(f"{name}: tells too much: {details[:200]}")

    async def _frames(self, random: Random) -> None:
        """Sends frames, and waits a moment for what comes back; that the server has an answer is not asked."""
        path = random.choice([*self._inputs, *_UNKNOWN])
        sent = conversation(path, self._wire(random.choice(list(self._inputs.values())), random), random)
        if random.random() < 0.3:
            sent = scrambled(sent, random)
        host, _, port = self._address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        self.findings.connections += 1
        with suppress(ConnectionError, TimeoutError):
            writer.write(sent)
            await writer.drain()
            async with asyncio.timeout(0.05):
                await reader.read()
        writer.transport.abort()

    def _wire(self, request: Descriptor, random: Random) -> bytes:
        """A request on the wire: in order, or spoilt, or nothing like it."""
        empty: Any = message_factory.GetMessageClass(request)()
        with suppress(json_format.ParseError):
            json_format.ParseDict(message_json(request, random), empty, ignore_unknown_fields=True)
        wire: bytes = empty.SerializeToString()
        spoilt = (wire, scrambled(wire, random), random.randbytes(random.choice((1, 40, 3_000))), _nested(random))
        return random.choice(spoilt)


def _nested(random: Random) -> bytes:
    """Groups, or messages within messages, of some field."""
    key = bytes([random.randrange(1, 16) << 3])
    if random.random() < 0.5:
        return bytes([key[0] | 3]) * random.choice((50, 5_000))
    wire = b""
    for _ in range(random.choice((20, 120))):
        wire = bytes([key[0] | 2]) + _varint(len(wire)) + wire
    return wire


def _varint(number: int) -> bytes:
    written = b""
    while number >= 128:
        written += bytes([number % 128 + 128])
        number //= 128
    return written + bytes([number])
