"""Whether finding a route takes longer the more routes there are: `python -m bench.gateway.routing`.

Routes are those of an API with many collections: five methods each, a custom verb, and one that takes the rest of the
path. The last column is what 1,000 routes cost of what 10 do. Takes a few seconds.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.routing.routes import RouteTable

ROUTES: Final = (10, 100, 1000)
ROUNDS: Final = 15
CALLS_A_ROUND: Final = 2000

_OF_A_COLLECTION: Final = (
    ("GET", ""),
    ("POST", ""),
    ("GET", "/{name}"),
    ("PATCH", "/{name}"),
    ("DELETE", "/{name}"),
    ("POST", "/{name}:archive"),
    ("GET", "/{name}/revisions"),
    ("GET", "/{name}/revisions/{revision}"),
    ("POST", "/{name}/revisions/{revision}:restore"),
    ("GET", "/{name}/files/{file=**}"),
)
"""HTTP method and what follows the collection."""


def service(count: int) -> ServiceDescriptor:
    """A service of `count` methods, one route each: two versions, projects, and one collection after the other."""
    file = descriptor_pb2.FileDescriptorProto(name=f"bench{count}.proto", package=f"bench{count}", syntax="proto3")
    request = file.message_type.add(name="Request")
    for number, name in enumerate(("project", "name", "revision", "file"), 1):
        request.field.add(name=name, number=number, type="TYPE_STRING", label="LABEL_OPTIONAL")
    methods = file.service.add(name="Service").method
    for at in range(count):
        http_method, rest = _OF_A_COLLECTION[at % 10]
        rule = {"kind": http_method, "path": f"/v{at // 10 % 2 + 1}/projects/{{project}}/collection{at // 10}{rest}"}
        message = f".{file.package}.Request"
        method = methods.add(name=f"Method{at}", input_type=message, output_type=message)
        method.options.Extensions[annotations_pb2.http].custom.MergeFrom(http_pb2.CustomHttpPattern(**rule))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName(f"{file.package}.Service")


def requests(count: int) -> dict[str, tuple[str, str]]:
    """A request of each kind: HTTP method and path."""
    last = (count - 1) // 10
    last_base = f"/v{last % 2 + 1}/projects/p/collection{last}"
    return {
        "first": ("GET", "/v1/projects/p/collection0"),
        "last": ("GET", f"{last_base}/a"),
        "verb": ("POST", f"{last_base}/a/revisions/7:restore"),
        "deep": ("GET", f"{last_base}/a/files/" + "/".join("abcdefghijklmnop")),
        "encoded": ("GET", f"{last_base}/a%2Fb%20c"),
        "miss at the start": ("GET", "/v3/projects/p/collection0"),
        "miss at the end": ("GET", f"{last_base}/a/revisions/7/8"),
        "other method (405)": ("PUT", f"{last_base}/a"),
    }


def microseconds(find: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS_A_ROUND):
        find()
    return (time.perf_counter() - start) / CALLS_A_ROUND * 1e6


def measured() -> dict[str, list[float]]:
    """The median of some rounds for each kind of request and number of routes; the sizes take turns."""
    tables = {count: RouteTable.from_services([service(count)]) for count in ROUTES}
    finders = {
        (kind, count): partial(tables[count].match, method, path.encode())
        for count in ROUTES
        for kind, (method, path) in requests(count).items()
    }
    rounds: dict[tuple[str, int], list[float]] = {key: [] for key in finders}
    for _ in range(ROUNDS):
        for key, find in finders.items():
            rounds[key].append(microseconds(find))
    kinds = requests(ROUTES[0])
    return {kind: [statistics.median(rounds[kind, count]) for count in ROUTES] for kind in kinds}


def main() -> None:
    lines = [f"{'microseconds, routes':<22}" + "".join(f"{count:>9}" for count in ROUTES) + f"{'1,000:10':>11}"]
    for kind, times in measured().items():
        lines.append(f"{kind:<22}" + "".join(f"{each:>9.2f}" for each in times) + f"{times[-1] / times[0]:>11.2f}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
