"""What is asked of every peer: a request, how its answer is known to be right, and how it is loaded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bench.load.dialogue import Expected

CONNECTIONS: Final = (1, 32, 256)

REST: Final = "rest"
GRPC: Final = "grpc"


@dataclass(frozen=True, slots=True)
class Case:
    """`body` is what is posted, or gRPC's request message; a REST call without one is a GET.

    `check` reads a whole body and tells what is wrong with it, "" where nothing is; `expected` is what can be looked
    for in every answer under load. `least_seconds`: a load shorter than that shows nothing. `timed`: when its parts
    come matters. `base`: the case that shows what direct to the upstream takes, where it is another; the upstream
    speaks no gRPC.
    """

    name: str
    title: str
    path: str
    body: bytes
    expected: Expected
    check: Callable[[bytes], str]
    door: str = REST
    metadata: Mapping[str, str] = field(default_factory=dict)
    connections: tuple[int, ...] = CONNECTIONS
    least_seconds: float = 0.0
    timed: bool = False
    base: str = ""
