"""The gateway as one ASGI application: match → bind → call → render."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from modelwire_gateway.answers.answer import Answer, refuse
from modelwire_gateway.backends.base import Backend, Call, Metadata, Request, takes_json
from modelwire_gateway.client_address import FORWARDED_FOR
from modelwire_gateway.endpoints import Endpoint, Endpoints, shown_path
from modelwire_gateway.errors import RpcFailure, failure
from modelwire_gateway.exchange import (
    BrokenAnswerError,
    ClientLeftError,
    ClientWatch,
    Exchange,
    Receive,
    Scope,
    Send,
)
from modelwire_gateway.metadata import REQUEST_ID, request_metadata, timeout_seconds
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.requests.bytes_in_flight import BytesInFlight
from modelwire_gateway.requests.query import SystemParameters, read_query
from modelwire_gateway.requests.stream import RequestStream, UploadingCall
from modelwire_gateway.routing.route_rules import Route

_LOG: Final = logging.getLogger("modelwire.gateway")
_LOGGED: Final = 200


@dataclass(slots=True)
class _Order:
    """A call to be made, all of it known but for the messages of a stream."""

    endpoint: Endpoint
    request: Request | RequestStream
    metadata: Metadata
    timeout: float | None
    parameters: SystemParameters


class Transcoder:
    """An ASGI application that answers for the annotated methods of `services` by calling `backend`.

    Without services (None), because nobody knows yet which there are, all requests are UNAVAILABLE until
    `serve` is called. Raises RouteErrors, naming every defect of every annotation, if the routes cannot be built.
    """

    def __init__(
        self, services: Iterable[ServiceDescriptor] | None, backend: Backend, options: GatewayOptions | None = None
    ) -> None:
        self._options = options or GatewayOptions()
        self._backend = backend
        self._endpoints = Endpoints(services, self._options, takes_json=takes_json(self._backend))
        self._bytes_in_flight = BytesInFlight(self._options.max_bytes_in_flight)

    def serve(self, services: Iterable[ServiceDescriptor]) -> None:
        """Answers for `services` from here on, in the place of those before; calls under way go on.

        Raises RouteErrors if the routes cannot be built; those before stay.
        """
        self._endpoints = Endpoints(services, self._options, takes_json=takes_json(self._backend))

    @property
    def routes(self) -> tuple[Route, ...]:
        """What is served at the moment; empty as long as that is not known."""
        return self._endpoints.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, whatever happens; the client's leaving ends everything quietly."""
        if scope["type"] != "http":
            await _lifespan(scope, receive, send)
            return
        exchange, endpoints = Exchange(scope, receive, send), self._endpoints
        try:
            try:
                order = await self._order(exchange, endpoints)
            except RpcFailure as error:
                outcome = {"status": error.http_status, "error": error.status.message[:_LOGGED]}
                _LOG.info("refused", extra={"fields": _log_fields(exchange) | outcome})
                await refuse(exchange, error, endpoints.style)
            else:
                await self._serve(exchange, order)
        except ClientLeftError:
            return
        except BrokenAnswerError:
            raise
        except Exception:
            _LOG.exception("internal error", extra={"fields": _log_fields(exchange)})
            if exchange.started:
                raise BrokenAnswerError from None
            await refuse(exchange, failure("INTERNAL", "internal error"), endpoints.style)
        finally:
            self._bytes_in_flight.give_back(exchange.bytes_held)

    async def _serve(self, exchange: Exchange, order: _Order) -> None:
        began = time.perf_counter()
        try:
            async with ClientWatch(exchange):
                call = self._call(order)
                try:
                    answer = Answer(exchange, order.endpoint, order.parameters, self._options.keep_alive_seconds)
                    await answer.write(call)
                finally:
                    await call.aclose()
        finally:
            if self._options.log_calls:
                ms = round((time.perf_counter() - began) * 1000, 1)
                outcome = {"rpc": order.endpoint.route.rpc.path, "status": exchange.status, "ms": ms}
                _LOG.info("call", extra={"fields": _log_fields(exchange) | outcome})

    def _call(self, order: _Order) -> Call:
        rpc, request = order.endpoint.route.rpc, order.request
        call = self._backend.call(rpc, request, metadata=order.metadata, timeout=order.timeout)
        return UploadingCall(call, request) if isinstance(request, RequestStream) else call

    async def _order(self, exchange: Exchange, endpoints: Endpoints) -> _Order:
        """What the request asks for; raises RpcFailure where the service need not be troubled with it."""
        endpoint, captures = endpoints.find(exchange.method, exchange.raw_path)
        query = read_query(exchange.query)
        metadata = request_metadata(exchange.headers, self._options.forwarded_headers)
        metadata += (*query.parameters.metadata(), (REQUEST_ID, exchange.request_id))
        if client := self._options.trusted_proxies.client(exchange.peer, exchange.headers):
            metadata.append((FORWARDED_FOR, client))
        timeout = timeout_seconds(exchange.headers)
        content_type = exchange.headers.get("content-type")
        request: Request | RequestStream
        if endpoint.client_streaming:
            messages = endpoint.binder.messages(captures, query.fields, content_type)
            request = RequestStream(messages, exchange.streamed_body())
        else:
            body = await exchange.body(self._options.max_request_bytes, self._bytes_in_flight)
            request = endpoint.binder.request(captures, query.fields, body, content_type)
        return _Order(endpoint, request, metadata, timeout, query.parameters)


def _log_fields(exchange: Exchange) -> dict[str, Any]:
    return {"id": exchange.request_id, "method": exchange.method, "path": shown_path(exchange.raw_path)}


async def _lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Start and stop are whoever mounts the app's business; nothing is done here."""
    if scope["type"] != "lifespan":
        raise ValueError(f"modelwire speaks HTTP, not {scope['type']}")
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
