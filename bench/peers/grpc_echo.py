"""A grpc.aio server that only answers: `python -m bench.peers.grpc_echo PORT`. The floor of the library under us.

Its answers are made once: the bytes that modelwire's are, whole for a plain call, an event a message for a stream.
"""

import sys
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
import uvloop
from google.api.httpbody_pb2 import HttpBody

from bench.load.http1 import body_of
from bench.peers.peer import Command, Peer, Place, Prepared
from bench.upstream import answers

STREAMED: Final = ("x-bench", "stream")
"""The metadata of calls that want a stream."""


class Echo(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers every method."""

    def __init__(self) -> None:
        plain = body_of(answers.completions()[answers.SHORT])
        self._plain: bytes = HttpBody(content_type="application/json", data=plain).SerializeToString()
        stream = answers.streams(with_usage=False)[answers.STREAM]
        events = body_of(stream.whole()).split(b"\n\n")[:-1]
        self._events = [HttpBody(data=event + b"\n\n").SerializeToString() for event in events]
        self._unary = grpc.unary_unary_rpc_method_handler(self._answer)
        self._streaming = grpc.unary_stream_rpc_method_handler(self._stream)

    def service(self, details: Any) -> grpc.RpcMethodHandler:
        return self._streaming if STREAMED in details.invocation_metadata else self._unary

    async def _answer(self, _: bytes, __: Any) -> bytes:
        return self._plain

    async def _stream(self, _: bytes, __: Any) -> AsyncIterator[bytes]:
        for event in self._events:
            yield event


async def serve(address: str) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Echo(),))
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


def _prepare(place: Place) -> Prepared:
    return Prepared((Command((sys.executable, "-m", "bench.peers.grpc_echo", place.grpc)),))


GRPC_ECHO: Final = Peer("grpc_echo", "grpc.aio echo", _prepare, lambda: grpc.__version__, doors=("grpc",))


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
