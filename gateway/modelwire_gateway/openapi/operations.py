"""The operations of a document: which routes make them, and what each says.

OpenAPI knows one operation for each shape of a path and each of eight methods, so several routes may share one. The
most specific route then speaks for all; where another leads to another method, a sentence says so. A kind of `*`
becomes the methods below; other custom kinds are left out, for OpenAPI has no place for them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from modelwire_gateway.openapi.bodies import request_body, responses
from modelwire_gateway.openapi.comments import first_sentence
from modelwire_gateway.openapi.parameters import path_parameters, query_parameters
from modelwire_gateway.openapi.paths import Slot, shape, slots
from modelwire_gateway.openapi.schemas import Schemas
from modelwire_gateway.routing.route_rules import Route

METHODS: Final = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
"""The HTTP methods that OpenAPI 3.1 has operations for."""
EVERY_METHOD: Final = ("GET", "PUT", "POST", "DELETE", "PATCH")
"""What a kind of `*` stands for."""

Key = tuple[str, str]
"""The shape of a path, and an HTTP method."""


@dataclass(frozen=True, slots=True)
class Operation:
    """The routes that are one operation, and the names of its path's expressions."""

    routes: tuple[Route, ...]
    names: tuple[str, ...]

    @property
    def leader(self) -> Route:
        return self.routes[0]


def operations_of(routes: Iterable[Route]) -> dict[Key, Operation]:
    """The operations of some routes, in the order of these; all of one shape have the same names."""
    sharing: defaultdict[Key, list[Route]] = defaultdict(list)
    names: dict[str, tuple[str, ...]] = {}
    for form, method, route in _keyed(routes):
        sharing[form, method].append(route)
        names.setdefault(form, tuple(slot.name for slot in slots(route.template)))
    return {key: Operation(tuple(sorted(group, key=_breadth)), names[key[0]]) for key, group in sharing.items()}


def _keyed(routes: Iterable[Route]) -> Iterable[tuple[str, str, Route]]:
    """Each route with its shape and method; `*` with each method that no other route like it has."""
    listed = list(routes)
    named = {_place(route, route.http_method) for route in listed}
    for route in listed:
        if route.http_method in METHODS:
            yield shape(route.template), route.http_method, route
        elif route.http_method == "*":
            free = (method for method in EVERY_METHOD if _place(route, method) not in named)
            yield from ((shape(route.template), method, replace(route, http_method=method)) for method in free)


def _place(route: Route, method: str) -> tuple[object, ...]:
    """What a method and a template match, whatever the names of its variables."""
    return method, route.template.segments, route.template.verb


def _breadth(route: Route) -> int:
    return sum(slot.slashes for slot in slots(route.template))


class OperationWriter:
    """Writes operations, each under an id of its own."""

    def __init__(self, services: Iterable[ServiceDescriptor], schemas: Schemas) -> None:
        self._schemas = schemas
        self._names = short_names(services)
        self._ids: set[str] = set()

    def write(self, operation: Operation) -> dict[str, Any]:
        """The OpenAPI object of an operation."""
        route, schemas = operation.leader, self._schemas
        method = route.rpc.descriptor
        service = self._names[method.containing_service.full_name]
        parameters = [
            *path_parameters(route, _slots(operation), operation.names, schemas),
            *query_parameters(route, schemas),
        ]
        body = request_body(route, schemas)
        return {
            "operationId": self._id(f"{service.replace('.', '_')}_{method.name}"),
            "tags": [service],
            **_told(operation, schemas),
            **({"deprecated": True} if method.GetOptions().deprecated else {}),
            **({"parameters": parameters} if parameters else {}),
            **({"requestBody": body} if body else {}),
            "responses": responses(route, schemas),
        }

    def _id(self, name: str) -> str:
        numbered = (f"{name}_{number}" for number in count(2))
        free = next(candidate for candidate in chain([name], numbered) if candidate not in self._ids)
        self._ids.add(free)
        return free


def short_names(services: Iterable[ServiceDescriptor]) -> Mapping[str, str]:
    """What to call services: their names, where two have the same one their full names."""
    full = list(dict.fromkeys(service.full_name for service in services))
    shared = Counter(name.rpartition(".")[2] for name in full)
    return {name: name if shared[name.rpartition(".")[2]] > 1 else name.rpartition(".")[2] for name in full}


def _slots(operation: Operation) -> Sequence[Slot]:
    """The expressions of the leader's path, those with slashes that have them by any route to the same method."""
    alike = [route for route in operation.routes if route.rpc.path == operation.leader.rpc.path]
    columns = zip(*(slots(route.template) for route in alike), strict=True)
    return [replace(column[0], slashes=any(slot.slashes for slot in column)) for column in columns]


def _told(operation: Operation, schemas: Schemas) -> dict[str, str]:
    comment = schemas.comments.of(operation.leader.rpc.descriptor.full_name)
    others = [route for route in operation.routes if route.rpc.path != operation.leader.rpc.path]
    notes = [f"`{route.template}` leads to `{route.rpc.descriptor.full_name}`." for route in others]
    summary, description = first_sentence(comment), "\n\n".join([comment, *notes] if comment else notes)
    told = {"summary": summary} if summary else {}
    return told if description.removesuffix(".") == summary else told | {"description": description}
