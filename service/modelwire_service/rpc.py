"""Between gRPC and the services: handlers that take and give wire bytes, or take a request as JSON in this process.

Requests are decoded inside the handler, not by grpc: a deserializer that raises becomes UNKNOWN with
the name of a class in its message. The gateway's codec does it, because it keeps the order of Structs.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

import grpc
from google.protobuf.descriptor import Descriptor, ServiceDescriptor
from modelwire_gateway.backends.base import JsonResponse, Response
from modelwire_gateway.backends.http_body import HttpBody
from modelwire_gateway.backends.local_context import LocalContext
from modelwire_gateway.json_codec import JsonError, MessageCodec

from modelwire_service.errors import InvalidRequest, UpstreamProtocolError
from modelwire_service.upstreams.base import Json

Unary = Callable[[Json], Awaitable[Json | bytes]]
Streaming = Callable[[Json], AsyncGenerator[bytes]]

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"


class Last(bytes):
    """The last message of a stream, known as such by who made it: over gRPC it goes out with the status."""

    __slots__ = ()


class LastHttpBody(HttpBody, Last):
    """A google.api.HttpBody that is the last message of a stream."""


def http_body(content_type: str, data: bytes) -> bytes:
    """A google.api.HttpBody in wire form."""
    return HttpBody(content_type, data)


class AsShown(dict[str, Any]):
    """An answer that holds nothing a field could not, and reads as REST callers get it: in this process it is not
    written to the wire to be read again."""


def unary(method: Unary, service: ServiceDescriptor, name: str) -> grpc.RpcMethodHandler:
    """The handler of a unary RPC: JSON-like request in, response out, JSON-like or in wire form."""
    rpc = service.methods_by_name[name]
    read, write = _reader(rpc.input_type), _writer(rpc.output_type)

    async def handle(given: bytes | Json, context: Any) -> Response:
        response = await method(read(given))
        if isinstance(response, bytes):
            return response
        if isinstance(response, AsShown) and isinstance(context, LocalContext):
            return JsonResponse(response, write)
        return write(response)

    return grpc.unary_unary_rpc_method_handler(handle)


def streaming(method: Streaming, service: ServiceDescriptor, name: str) -> grpc.RpcMethodHandler:
    """The handler of a server-streaming RPC whose method yields response messages in wire form."""
    read = _reader(service.methods_by_name[name].input_type)

    # No generator around the method's own: what is wrong with a request is raised before there is one.
    def handle(given: bytes | Json, _: Any) -> AsyncGenerator[bytes]:
        return method(read(given))

    return grpc.unary_stream_rpc_method_handler(handle)


def _reader(message: Descriptor) -> Callable[[bytes | Json], Json]:
    codec = MessageCodec.of(message)

    def read(given: bytes | Json) -> Json:
        if isinstance(given, dict):
            return given
        try:
            request: Json = codec.decode_proto_names(given)
        except JsonError as error:
            raise InvalidRequest.of(error.path, error.reason) from None
        return request

    return read


def _writer(message: Descriptor) -> Callable[[Json], bytes]:
    """What writes answers of that type. It raises UpstreamProtocolError for what a field cannot hold."""
    codec = MessageCodec.of(message)

    def write(answer: Json) -> bytes:
        try:
            return codec.encode(answer)
        except JsonError as error:
            raise UpstreamProtocolError(f"the upstream's answer is malformed: {error}") from None

    return write
