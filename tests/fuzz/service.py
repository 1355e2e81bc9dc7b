"""The service of everything.proto on a port of its own. It reads all that it is sent, and says what it cannot read."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import Any, Final

import grpc
from google.api import httpbody_pb2
from google.protobuf import message_factory
from google.protobuf.message import DecodeError, Message
from modelwire_gateway.sources.descriptors import services_in_image
from support.images import compiled_image
from support.scripted_service import ScriptedService, served

PROTO: Final = Path(__file__).parent / "everything.proto"

_CALLERS_FAULT: Final = (
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNAUTHENTICATED,
)
_MOST_ANSWERS: Final = 12
_METADATA_BYTES: Final = 256 * 1024
_MOMENT: Final = 0.05


@cache
def image() -> bytes:
    """The descriptor set of everything.proto."""
    with tempfile.TemporaryDirectory() as folder:
        return compiled_image(Path(folder), everything=PROTO.read_text())


class Everything:
    """The methods. `complaints` has what a gateway should never have sent."""

    def __init__(self) -> None:
        (self.descriptor,) = services_in_image(image())
        self.complaints: list[str] = []
        every = message_factory.GetMessageClass(self.descriptor.methods_by_name["Echo"].input_type)
        self._every: Callable[[bytes], Any] = self._reader(every)
        self._raw: Callable[[bytes], Any] = self._reader(httpbody_pb2.HttpBody)

    def handler(self) -> grpc.GenericRpcHandler:
        return ScriptedService(
            [self.descriptor],
            Echo=self._echo,
            Repeat=self._repeat,
            Fail=self._fail,
            FailLate=self._fail_late,
            Wait=self._wait,
            Raw=self._raw_echo,
            RawField=self._raw_field,
            RawRepeat=self._raw_repeat,
            Collect=self._collect,
            Converse=self._converse,
            Upload=self._upload,
        )

    def _reader(self, kind: type[Message]) -> Callable[[bytes], Message]:
        def read(wire: bytes) -> Message:
            try:
                return kind.FromString(wire)
            except DecodeError:
                self.complaints.append(f"not a {kind.DESCRIPTOR.full_name} on the wire: {wire[:300].hex()}")
                return kind()

        return read

    async def _echo(self, wire: bytes, context: Any) -> bytes:
        self._every(wire)
        echoed = tuple(pair for pair in context.invocation_metadata() if pair[0].startswith("x-echo"))
        await context.send_initial_metadata(echoed)
        context.set_trailing_metadata(echoed)
        return wire

    async def _repeat(self, wire: bytes, _: Any) -> AsyncIterator[bytes]:
        for _ in range(_times(self._every(wire))):
            yield wire

    async def _fail(self, wire: bytes, context: Any) -> bytes:
        request = self._every(wire)
        await context.abort(_CALLERS_FAULT[request.count % len(_CALLERS_FAULT)], request.name)
        raise AssertionError

    async def _fail_late(self, wire: bytes, context: Any) -> AsyncIterator[bytes]:
        request = self._every(wire)
        yield wire
        await context.abort(_CALLERS_FAULT[request.count % len(_CALLERS_FAULT)], request.name)

    async def _wait(self, wire: bytes, _: Any) -> bytes:
        self._every(wire)
        await asyncio.sleep(_MOMENT)
        return wire

    async def _raw_echo(self, wire: bytes, _: Any) -> bytes:
        self._raw(wire)
        return wire

    async def _raw_field(self, wire: bytes, _: Any) -> bytes:
        return bytes(self._every(wire).raw.SerializeToString())

    async def _raw_repeat(self, wire: bytes, _: Any) -> AsyncIterator[bytes]:
        request = self._every(wire)
        for _ in range(_times(request)):
            yield request.raw.SerializeToString()

    async def _collect(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        last = b""
        async for wire in requests:
            self._every(wire)
            last = wire
        return last

    async def _converse(self, requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
        async for wire in requests:
            self._every(wire)
            yield wire

    async def _upload(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        first = None
        async for wire in requests:
            self._raw(wire)
            first = wire if first is None else first
        return first or b""


def _times(request: Any) -> int:
    count: int = request.count
    return abs(count) % _MOST_ANSWERS


def serving(service: Everything) -> AbstractAsyncContextManager[str]:
    """Serves on a free port until the block ends; the block is given the address."""
    sizes = ("grpc.max_metadata_size", "grpc.absolute_max_metadata_size")
    return served(service.handler(), options=[(name, _METADATA_BYTES) for name in sizes])
