"""The routes, each with all that can be made ready before a request comes.

What is compiled for the messages of a set of routes goes when the set does: nothing here outlives it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from modelwire_gateway.answers.rendering import http_body_reader, json_render, pretty
from modelwire_gateway.answers.streaming import (
    ErrorJson,
    Framing,
    error_writer,
    http_body_framing,
    in_stream,
    stream_framings,
    stream_type,
    unary_framing,
)
from modelwire_gateway.backends.base import Response
from modelwire_gateway.errors import detail_json
from modelwire_gateway.json_codec import Codecs
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.requests.binding import Binder
from modelwire_gateway.requests.query import SystemParameters
from modelwire_gateway.requests.refusals import method_not_allowed, route_not_found, routes_unknown
from modelwire_gateway.routing.field_paths import FieldNames
from modelwire_gateway.routing.route_rules import Route
from modelwire_gateway.routing.routes import Match, MethodNotAllowed, RouteTable

_ROUTES_NAMED: Final = 24
_FRAMINGS: Final = 64  # content types that a route's framings are remembered for


@dataclass(frozen=True, slots=True)
class AnswerStyle:
    """What the answers of all routes have in common."""

    error_json: ErrorJson
    late_error_json: ErrorJson
    exposed_metadata: frozenset[str]


class Endpoint:
    """A route that is ready to serve."""

    def __init__(self, route: Route, binder: Binder, codecs: Codecs, style: AnswerStyle) -> None:
        self.route: Final = route
        self.client_streaming: Final = route.rpc.client_streaming
        self.server_streaming: Final = route.rpc.server_streaming
        self.binder: Final = binder
        self.style: Final = style
        self._http_body = read = http_body_reader(route)
        if read is not None:
            self._framing_of = lru_cache(_FRAMINGS)(
                partial(http_body_framing, read=read, error_json=style.late_error_json)
            )
        to_json = json_render(route, codecs)
        self._unary = unary_framing(to_json)
        self._pretty = unary_framing(pretty(to_json))
        self._streams = stream_framings(to_json, style.late_error_json)

    def framing(self, first: Response, accept: str, parameters: SystemParameters) -> Framing:
        """How an answer is written that begins with the message `first`. Raises RpcFailure where it cannot be read."""
        if self._http_body is not None:
            return self._framing_of(self._http_body(first).content_type)
        if self.server_streaming:
            return self._streams[stream_type(accept, parameters.alt)]
        return self._pretty if parameters.pretty_print else self._unary


class Endpoints:
    """The endpoints of some services; None as long as nobody knows which. Raises RouteErrors.

    With `takes_json` requests may be made for a backend that takes them as JSON.
    """

    def __init__(
        self, services: Iterable[ServiceDescriptor] | None, options: GatewayOptions, *, takes_json: bool = False
    ) -> None:
        served = tuple(services or ())
        codecs, names = Codecs(options.json), FieldNames()
        pools = {id(service.file.pool): service.file.pool for service in served}
        # Clients know google.rpc's details in plain proto3 JSON, whatever the answers look like.
        details = detail_json(Codecs(), tuple(pools.values()) or (descriptor_pool.Default(),))
        errors = error_writer(options.error_body, details)
        self.style: Final = AnswerStyle(errors, in_stream(options.error_body, errors), options.exposed_metadata)
        self._known = services is not None
        self._table = RouteTable.from_services(served, options.reserved_paths)
        self._by_route = {
            route: Endpoint(route, Binder(route, codecs, names, options, takes_json=takes_json), codecs, self.style)
            for route in self.routes
        }
        self._fixed = {
            place: (self._by_route[match.route], match.captures) for place, match in self._table.fixed.items()
        }
        self._named = _named(self.routes)

    @property
    def routes(self) -> tuple[Route, ...]:
        return self._table.routes

    def find(self, method: str, raw_path: bytes) -> tuple[Endpoint, Sequence[str]]:
        """The endpoint of a request, and what its variables took of the path, decoded.

        Raises RpcFailure as 404 and 405, as 503 where the services are not known, and INVALID_ARGUMENT for a variable
        that took what cannot be decoded.
        """
        if (fixed := self._fixed.get((method, raw_path))) is not None:
            return fixed
        outcome = self._table.match(method, raw_path)
        if isinstance(outcome, Match):
            return self._by_route[outcome.route], outcome.captures
        if not self._known:
            raise routes_unknown()
        if isinstance(outcome, MethodNotAllowed):
            raise method_not_allowed(method, outcome.allowed)
        raise route_not_found(method, shown_path(raw_path), self._named)


def shown_path(raw_path: bytes) -> str:
    """An undecoded path, short enough for a message."""
    text = raw_path.decode("ascii", "backslashreplace")
    return text if len(text) <= 100 else text[:99] + "…"


def _named(routes: Iterable[Route]) -> str:
    """The routes as a caller would type them, the first of them if there are many."""
    # `{name}` and `{name=**}` are one thing to whoever types a path.
    shown = (f"{route.http_method} {str(route.template).replace('=**', '')}" for route in routes)
    names = list(dict.fromkeys(shown))
    more = f" and {len(names) - _ROUTES_NAMED} more" if len(names) > _ROUTES_NAMED else ""
    return (", ".join(names[:_ROUTES_NAMED]) or "none") + more
