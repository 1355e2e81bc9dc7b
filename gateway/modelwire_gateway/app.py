"""The gateway as one ASGI application: match → bind → call → render."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from modelwire_gateway.answer import Answer, refuse
from modelwire_gateway.backends.base import Backend, Metadata
from modelwire_gateway.binding import bind_request
from modelwire_gateway.errors import RpcFailure, failure
from modelwire_gateway.exchange import (
    BrokenAnswerError,
    ClientLeftError,
    ClientWatch,
    Exchange,
    Receive,
    Scope,
    Send,
    too_large,
)
from modelwire_gateway.metadata import REQUEST_ID, request_metadata, timeout_seconds
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.query import SystemParameters, system_parameters
from modelwire_gateway.routes import Match, MethodNotAllowed, Route, RouteTable

_LOG: Final = logging.getLogger("modelwire.gateway")
_ROUTES_NAMED: Final = 24


@dataclass(frozen=True, slots=True)
class _Order:
    """A call to be made, all of it known."""

    route: Route
    request: bytes
    metadata: Metadata
    timeout: float | None
    parameters: SystemParameters


class Transcoder:
    """An ASGI application that answers for the annotated methods of `services` by calling `backend`.

    Raises RouteErrors, naming every defect of every annotation, if the routes cannot be built.
    """

    def __init__(
        self, services: Iterable[ServiceDescriptor], backend: Backend, options: GatewayOptions | None = None
    ) -> None:
        self._options = options or GatewayOptions()
        self._routes = RouteTable.from_services(services, self._options.reserved_paths)
        self._backend = backend
        self._known_routes = _named(self._routes.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._exchange(Exchange(scope, receive, send))
        else:
            raise ValueError(f"modelwire speaks HTTP, not {scope['type']}")

    async def _exchange(self, exchange: Exchange) -> None:
        """Answers one request, whatever happens; the client's leaving ends everything quietly."""
        try:
            await self._transcode(exchange)
        except ClientLeftError:
            return
        except BrokenAnswerError:
            raise
        except Exception:
            _LOG.exception("internal error", extra={"fields": _log_fields(exchange)})
            if exchange.started:
                raise BrokenAnswerError from None
            await refuse(exchange, failure("INTERNAL", "internal error"))

    async def _transcode(self, exchange: Exchange) -> None:
        try:
            order = await self._order(exchange)
        except RpcFailure as error:
            _LOG.info("refused", extra={"fields": _log_fields(exchange) | {"status": error.http_status}})
            await refuse(exchange, error)
            return
        began = time.perf_counter()
        try:
            async with ClientWatch(exchange):
                await self._answer(exchange, order)
        finally:
            if self._options.log_calls:
                ms = round((time.perf_counter() - began) * 1000, 1)
                outcome = {"rpc": order.route.rpc.path, "status": exchange.status, "ms": ms}
                _LOG.info("call", extra={"fields": _log_fields(exchange) | outcome})

    async def _answer(self, exchange: Exchange, order: _Order) -> None:
        call = self._backend.call(order.route.rpc, order.request, metadata=order.metadata, timeout=order.timeout)
        try:
            await Answer(exchange, order.route, order.parameters).write(call)
        finally:
            await call.aclose()

    async def _order(self, exchange: Exchange) -> _Order:
        """What the request asks for; raises RpcFailure where the service need not be troubled with it."""
        match = self._match(exchange)
        options = self._options
        parameters = system_parameters(exchange.query)
        metadata = request_metadata(exchange.headers, options.forwarded_headers)
        metadata.extend(parameters.metadata())
        metadata.append((REQUEST_ID, exchange.request_id))
        timeout = timeout_seconds(exchange.headers)
        body = await exchange.body(options.max_request_bytes)
        request = bind_request(match, exchange.query, body, exchange.headers.get("content-type"), options)
        if len(request) > options.max_request_bytes:
            # Lists of numbers are longer on the wire than in JSON, and no remote service would take them.
            raise too_large(options.max_request_bytes)
        return _Order(match.route, request, metadata, timeout, parameters)

    def _match(self, exchange: Exchange) -> Match:
        outcome = self._routes.match(exchange.method, exchange.raw_path)
        if isinstance(outcome, Match):
            _require_single_request(outcome.route)
            return outcome
        if isinstance(outcome, MethodNotAllowed):
            allowed = ", ".join(outcome.allowed)
            raise failure(
                "UNIMPLEMENTED",
                f"{exchange.method} is not allowed here, only {allowed}",
                reason="METHOD_NOT_ALLOWED",
                http_status=405,
                headers=[("allow", allowed)],
            )
        raise failure(
            "NOT_FOUND",
            f"no route for {exchange.method} {_shown(exchange.raw_path)}; there are: {self._known_routes}",
            reason="ROUTE_NOT_FOUND",
        )


def _require_single_request(route: Route) -> None:
    if route.rpc.client_streaming:
        raise failure(
            "UNIMPLEMENTED",
            f"{route.rpc.descriptor.full_name} takes a stream of requests, which cannot be sent over HTTP here",
            reason="CLIENT_STREAMING",
        )


def _log_fields(exchange: Exchange) -> dict[str, Any]:
    return {"id": exchange.request_id, "method": exchange.method, "path": _shown(exchange.raw_path)}


async def _lifespan(receive: Receive, send: Send) -> None:
    """Start and stop are whoever mounts the app's business; nothing is done here."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _named(routes: Iterable[Route]) -> str:
    """The routes as a caller would type them, the first of them if there are many."""
    # `{name}` and `{name=**}` are one thing to whoever types a path.
    shown = (f"{route.http_method} {str(route.template).replace('=**', '')}" for route in routes)
    names = list(dict.fromkeys(shown))
    more = f" and {len(names) - _ROUTES_NAMED} more" if len(names) > _ROUTES_NAMED else ""
    return ", ".join(names[:_ROUTES_NAMED]) + more


def _shown(raw_path: bytes) -> str:
    text = raw_path.decode("ascii", "backslashreplace")
    return text if len(text) <= 100 else text[:99] + "…"
