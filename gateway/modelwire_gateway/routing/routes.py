"""From an HTTP method and a path to the RPC that is meant.

All that can be wrong with the rules shows when the table is made; `match` is a pure search.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from google.protobuf.descriptor import ServiceDescriptor

from modelwire_gateway.errors import failure
from modelwire_gateway.routing.path_template import Variable
from modelwire_gateway.routing.route_rules import Route, routes_of
from modelwire_gateway.routing.route_tree import ANY_METHOD, RouteTree

__all__ = ["Match", "MethodNotAllowed", "NotFound", "Route", "RouteErrors", "RouteTable"]

_MALFORMED: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ENCODED_SLASH: Final = re.compile(rb"(%2[Ff])")


class RouteErrors(ValueError):
    """Rules that cannot be served: every complaint there is, each naming its method."""

    def __init__(self, complaints: tuple[str, ...]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


@dataclass(frozen=True, slots=True)
class Match:
    """A route, and what its variables took of the path, decoded, in their order."""

    route: Route
    captures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MethodNotAllowed:
    """The path is known, but not with this method; `allowed` is sorted."""

    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """No route has this path."""


class RouteTable:
    """The routes of some services."""

    def __init__(self, routes: tuple[Route, ...], tree: RouteTree[Route]) -> None:
        self.routes: Final = routes
        self._tree = tree
        self.fixed: Final = {
            place: found
            for place in map(_place, routes)
            if place is not None and isinstance(found := self._search(*place), Match)
        }
        """What is found for each method and undecoded path that a route has alone, without a search."""

    @classmethod
    def from_services(
        cls, services: Iterable[ServiceDescriptor], reserved: frozenset[str] = frozenset()
    ) -> "RouteTable":
        """The routes that the google.api.http rules of all methods ask for; raises RouteErrors.

        `reserved` are paths that something else answers, so that no rule may bind them.
        """
        complaints: list[str] = []
        routes: list[Route] = []
        tree: RouteTree[Route] = RouteTree()
        for method in (method for service in services for method in service.methods):
            flaws: list[str] = []
            for route in routes_of(method, flaws.append):
                routes.append(route)
                if str(route.template) in reserved:
                    flaws.append(f"{_shown(route)} is reserved for operators")
                if present := tree.add(route.template, route.http_method, route):
                    flaws.append(f"{_shown(route)} is taken by {_owner(present)}: {_shown(present)}")
            complaints.extend(f"{method.full_name}: {flaw}" for flaw in flaws)
        if complaints:
            raise RouteErrors(tuple(complaints))
        return cls(tuple(routes), tree)

    def match(self, http_method: str, raw_path: bytes | str) -> Match | MethodNotAllowed | NotFound:
        """Finds the route of an undecoded path without its query.

        Raises RpcFailure INVALID_ARGUMENT where a variable took what cannot be decoded.
        """
        path = raw_path.encode() if isinstance(raw_path, str) else raw_path
        return self._search(http_method, path)

    def _search(self, http_method: str, path: bytes) -> Match | MethodNotAllowed | NotFound:
        if not path.startswith(b"/"):
            return NotFound()
        allowed: set[str] = set()
        for segments, verb in self._tree.readings(path[1:].split(b"/") if len(path) > 1 else []):
            route = self._tree.find(segments, verb, http_method, allowed)
            if route:
                return Match(route, tuple(_captured(variable, segments) for variable in route.template.variables))
        return MethodNotAllowed(tuple(sorted(allowed))) if allowed else NotFound()


def _place(route: Route) -> tuple[str, bytes] | None:
    """The one method and path that a route has; None where it has several."""
    path = str(route.template)
    return None if "*" in path or "{" in path or route.http_method == ANY_METHOD else (route.http_method, path.encode())


def _shown(route: Route) -> str:
    return f"{route.http_method} {route.template}"


def _owner(route: Route) -> str:
    return str(route.rpc.descriptor.full_name)


def _captured(variable: Variable, segments: list[bytes]) -> str:
    """What a variable takes, percent-decoded once; over several segments `%2F` stays, or it would split them."""
    start, end = (at if at >= 0 else len(segments) + 1 + at for at in (variable.start, variable.end))
    taken = b"/".join(segments[start:end])
    if b"%" in taken:
        if _MALFORMED.search(taken):
            raise failure("INVALID_ARGUMENT", "the path has a malformed percent-encoding", field=variable.field_path)
        taken = unquote_to_bytes(taken) if variable.one_segment else _decoded_but_slashes(taken)
    try:
        return taken.decode("utf-8")
    except UnicodeDecodeError:
        raise failure("INVALID_ARGUMENT", "the path is not UTF-8", field=variable.field_path) from None


def _decoded_but_slashes(text: bytes) -> bytes:
    parts = _ENCODED_SLASH.split(text)
    parts[::2] = map(unquote_to_bytes, parts[::2])
    return b"".join(parts)
