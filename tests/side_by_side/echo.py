"""The service behind both gateways: it answers with what it received, or as a side.v1.Order has it.

What arrives is kept by the request's `x-request-id`, which both gateways make metadata of.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.api import httpbody_pb2
from google.protobuf import any_pb2, message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from support.scripted_service import Behaviour, ScriptedService, served

FIRST = (("x-first", "one"), ("x-first-bin", b"\x00\xff"))
LAST = (("x-last", "two"),)
"""The metadata that a call begins and ends with, where an Order asks for it."""

_STATUSES = {status.value[0]: status for status in grpc.StatusCode}
_UNKNOWN = any_pb2.Any(type_url="type.googleapis.com/nobody.knows.Type", value=b"\x0a\x01x")
_BROKEN = any_pb2.Any(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff\xff")


@dataclass(slots=True)
class Received:
    """What reached the service of one HTTP request, its messages in wire form."""

    rpc: MethodDescriptor
    messages: list[bytes]
    metadata: dict[str, str | bytes]


class Echo:
    """Serves side.v1.Echo. `received` is by request id."""

    def __init__(self, service: ServiceDescriptor) -> None:
        self.received: dict[str, Received] = {}
        behaviours = {method.name: self._behaviour(method) for method in service.methods}
        self._handler = ScriptedService([service], **behaviours)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its address, on a free loopback port."""
        async with served(self._handler) as address:
            yield address

    def _behaviour(self, method: MethodDescriptor) -> Behaviour:
        async def stream(requests: Any, context: Any) -> AsyncIterator[bytes]:
            received = Received(method, [], _joined(context.invocation_metadata()))
            self.received[str(received.metadata.get("x-request-id"))] = received
            async for message in _each(requests):
                received.messages.append(message)
                if method.input_type == method.output_type and method.input_type.name != "Order":
                    yield _anew(method.input_type, message)
            if method.input_type.name == "Order":
                async for message in _ordered(method, received.messages[0], context):
                    yield message
            if method.output_type.name == "Uploaded":
                yield _uploaded(method.output_type, received)

        async def whole(requests: Any, context: Any) -> bytes:
            answer, *_ = [message async for message in stream(requests, context)]
            return answer

        return stream if method.server_streaming else whole


def _joined(metadata: Any) -> dict[str, str | bytes]:
    """Metadata by key; the values of a repeated one are joined with a comma, which for headers means the same."""
    joined: dict[str, str | bytes] = {}
    for key, value in metadata:
        joined[key] = f"{joined[key]!s}, {value!s}" if key in joined else value
    return joined


async def _each(requests: Any) -> AsyncIterator[bytes]:
    if isinstance(requests, bytes):
        yield requests
        return
    async for request in requests:
        yield request


async def _ordered(method: MethodDescriptor, request: bytes, context: Any) -> AsyncIterator[bytes]:
    order = _message(method.input_type, request)
    if "first" in order.metadata:
        await context.send_initial_metadata(FIRST)
    last = LAST if "last" in order.metadata else ()
    for number in range(order.count):
        yield _answer(method, order, number)
    if order.code:
        await context.abort(_STATUSES[order.code], order.message, (*last, *_details(order)))
    context.set_trailing_metadata(last)
    if not method.server_streaming and not order.count:
        yield _answer(method, order, 0)


def _answer(method: MethodDescriptor, order: Any, number: int) -> bytes:
    if method.output_type.name == "HttpBody":
        text = f"{order.message}{number}" if method.server_streaming else order.message
        body = httpbody_pb2.HttpBody(content_type=order.content_type, data=text.encode())
        return bytes(body.SerializeToString())
    order.number = number
    return bytes(order.SerializeToString())


def _details(order: Any) -> tuple[tuple[str, bytes], ...]:
    """The google.rpc.Status that the call ends with, as metadata, where the order asks for details."""
    known = any_pb2.Any()
    known.Pack(error_details_pb2.ErrorInfo(reason="BECAUSE", domain="side.test", metadata={"key": "value"}))
    details = {"known": known, "unknown": _UNKNOWN, "broken": _BROKEN}.get(order.details)
    if details is None:
        return ()
    status = status_pb2.Status(code=order.code, message=order.message, details=[details])
    return (("grpc-status-details-bin", status.SerializeToString()),)


def _uploaded(descriptor: Descriptor, received: Received) -> bytes:
    field = "raws" if received.rpc.input_type.name == "HttpBody" else "messages"
    messages = [_message(received.rpc.input_type, message) for message in received.messages]
    return bytes(message_factory.GetMessageClass(descriptor)(**{field: messages}).SerializeToString())


def _anew(descriptor: Descriptor, wire: bytes) -> bytes:
    """The same message as a service would write it: a merged whole. What cannot be read is left as it is."""
    try:
        return bytes(_message(descriptor, wire).SerializeToString())
    except DecodeError:
        return wire


def _message(descriptor: Descriptor, wire: bytes) -> Any:
    return message_factory.GetMessageClass(descriptor).FromString(wire)
