"""Calls of a case to a running peer: one that reads the whole answer, and the dialogue that loads it."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import grpc
from google.api.httpbody_pb2 import HttpBody

from bench.cases.case import REST, Case
from bench.load.dialogue import Dialogue
from bench.load.http1 import Http1, request
from bench.load.http2 import GrpcCalls

_FAILURES: Final = (
    *(OSError, http.client.HTTPException, grpc.RpcError),
    *(ValueError, LookupError, TypeError, AttributeError),
)
"""Of a call, and of reading an answer that is made otherwise than it should be."""
_PATIENCE: Final = 30.0
_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Target:
    """Where a peer answers, and what its callers send along."""

    rest: str
    grpc: str
    headers: Mapping[str, str]

    def address(self, case: Case) -> str:
        return self.rest if case.door == REST else self.grpc


def dialogue(case: Case, target: Target) -> Dialogue:
    headers = {**target.headers, **case.metadata}
    if case.door == REST:
        return Http1(request(_method(case), case.path, headers, case.body), case.expected)
    return GrpcCalls(case.path, headers, case.body, case.expected)


def complaint(case: Case, target: Target) -> str:
    """What is wrong with the answer to one call, read whole by a client that is not the load's; "" where nothing is."""
    try:
        body = _rest(case, target) if case.door == REST else _grpc(case, target)
        return case.check(body)
    except _FAILURES as error:
        return f"{type(error).__name__}: {str(error)[:_SHOWN]}"


def _rest(case: Case, target: Target) -> bytes:
    host, _, port = target.rest.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=_PATIENCE)
    typed = {"content-type": "application/json"} if case.body else {}
    try:
        connection.request(_method(case), case.path, case.body or None, {**target.headers, **typed})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise ValueError(f"status {response.status}: {body[:_SHOWN].decode(errors='replace')}")
    return body


def _grpc(case: Case, target: Target) -> bytes:
    metadata = tuple({**target.headers, **case.metadata}.items())
    with grpc.insecure_channel(target.grpc) as channel:
        call = channel.unary_stream(case.path)(case.body, metadata=metadata, timeout=_PATIENCE)
        return b"".join(HttpBody.FromString(message).data for message in call)


def _method(case: Case) -> str:
    return "POST" if case.body else "GET"
