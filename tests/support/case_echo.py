"""A service that answers as a case of cases/transcoding.json has it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import grpc
from google.api import httpbody_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import ServiceDescriptor

Case = Mapping[str, Any]

OUTLIVES_ITS_DEADLINE = "hd-04"
FIRST_CHUNK_FIRST = "first_chunk_before_second_is_produced"


def echo_proto(case: Case, schema: str) -> str:
    """A service of one method that the case's routes lead to, or else one of its own; its request is t.Req."""
    raw = any("data_text" in message for message in case.get("grpc_response", []))
    answer = f"{'stream ' if case.get('server_streaming') else ''}{'google.api.HttpBody' if raw else 't.Req'}"
    routes = case.get("routes") or [{"method": case.get("method", "GET"), "template": case.get("path", "/v1/echo")}]
    response_body = f'response_body: "{case["rule_response_body"]}"' if "rule_response_body" in case else ""
    first, *others = (f"{_rule(case, route)} {response_body}" for route in routes)
    bindings = "".join(f"additional_bindings {{ {rule} }} " for rule in others)
    return (
        f'{schema}\nimport "google/api/annotations.proto";\nservice Cases {{ rpc Echo(t.Req) returns ({answer}) '
        f"{{ option (google.api.http) = {{ {first} {bindings} }}; }} }}"
    )


def _rule(case: Case, route: Mapping[str, str]) -> str:
    """POST takes what the case sends: a raw body where it has another type than JSON."""
    raw = not case.get("headers", {}).get("content-type", "application/json").startswith("application/json")
    body = f'body: "{"raw" if raw else "*"}"' if route["method"] == "POST" else ""
    return f'custom {{ kind: "{route["method"]}" path: "{route["template"]}" }} {body}'


class Echo:
    """Answers as `case` has it; without responses in the case, with the request. Streams wait for `between`
    after each message: it is set from the start, but where the case is that the first arrives alone."""

    def __init__(self, case: Case, service: ServiceDescriptor) -> None:
        self.case = case
        self.metadata: dict[str, str | bytes] = {}
        self.requests: list[bytes] = []
        self.between = asyncio.Event()
        if FIRST_CHUNK_FIRST not in case["expect"]:
            self.between.set()
        self._message = message_factory.GetMessageClass(service.methods_by_name["Echo"].output_type)

    @property
    def behaviour(self) -> Callable[..., Any]:
        return self._stream if self.case.get("server_streaming") else self._unary

    async def _unary(self, request: bytes, context: Any) -> bytes:
        self.requests.append(request)
        self.metadata.update(context.invocation_metadata())
        if self.case["id"] == OUTLIVES_ITS_DEADLINE:
            await asyncio.Event().wait()
        context.set_trailing_metadata(tuple(self.case.get("grpc_trailing_metadata", {}).items()))
        await self._end(context)
        return next(self._responses(), request)

    async def _stream(self, _: bytes, context: Any) -> AsyncIterator[bytes]:
        for response in self._responses():
            yield response
            await self.between.wait()
        await self._end(context)

    def _responses(self) -> Any:
        for response in self.case.get("grpc_response", []):
            if "data_text" in response:
                data, content_type = response["data_text"].encode(), response.get("contentType", "")
                yield httpbody_pb2.HttpBody(content_type=content_type, data=data).SerializeToString()
            else:
                yield json_format.ParseDict(response, self._message()).SerializeToString()

    async def _end(self, context: Any) -> None:
        if code := self.case.get("grpc_status"):
            status = next(status for status in grpc.StatusCode if status.value[0] == code)
            await context.abort(status, "as the case has it")
