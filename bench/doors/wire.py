"""What a call takes on the wire: bytes of ordinary clients on a warm connection, framing and headers included.

REST is asked by http.client, which sends no header that it need not, and no `Accept-Encoding` that would have answers
compressed. gRPC is asked by grpcio, with a deadline; its first calls fill the table of headers (RFC 7541) and are not
counted.
"""

import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import grpc
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from bench.cases.case import REST
from bench.doors.relay import Relay
from bench.doors.ways import Way
from bench.measuring.calls import Target

_WARM_UP: Final = 5
_PATIENCE: Final = 30.0
_FAILURES: Final = (
    *(OSError, http.client.HTTPException, grpc.RpcError),
    *(ValueError, LookupError, DecodeError, json_format.Error),
)
"""Of a call, and of reading an answer that is made otherwise than it should be."""

Call = Callable[[], list[bytes]]


def bytes_of_a_call(way: Way, target: Target, count: int) -> tuple[float, float]:
    """Sent and received, the mean of `count` calls. Raises RuntimeError for an answer that is not right."""
    address, connect = (target.rest, _rest) if way.protocol == REST else (target.grpc, _grpc)
    with Relay(address) as relay, connect(relay.address, way, {**target.headers, **way.headers}) as call:
        for _ in range(_WARM_UP):
            _checked(way, call)
        before = relay.passed
        for _ in range(count):
            _checked(way, call)
        sent, received = ((after - start) / count for after, start in zip(relay.passed, before, strict=True))
    return sent, received


def _checked(way: Way, call: Call) -> None:
    try:
        wrong = way.wrong(call())
    except _FAILURES as error:
        wrong = str(error)
    if wrong:
        raise RuntimeError(f"{way.call}, {way.door}: {wrong}")


@contextmanager
def _rest(address: str, way: Way, headers: Mapping[str, str]) -> Iterator[Call]:
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=_PATIENCE)

    def call() -> list[bytes]:
        connection.request("POST", way.path, way.body, {**headers, "content-type": "application/json"})
        response = connection.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise ValueError(f"status {response.status}: {body.decode(errors='replace')}")
        return [body]

    try:
        yield call
    finally:
        connection.close()


@contextmanager
def _grpc(address: str, way: Way, headers: Mapping[str, str]) -> Iterator[Call]:
    metadata = tuple(headers.items())
    with grpc.insecure_channel(address) as channel:
        # Takes the bytes of messages as they are, one or many.
        rpc = channel.unary_stream(way.path)
        yield lambda: list(rpc(way.body, metadata=metadata, timeout=_PATIENCE))
