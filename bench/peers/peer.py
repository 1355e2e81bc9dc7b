"""What is measured: a peer, and what it takes to have one running."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TOOLCHAINS: Final = ROOT / ".toolchains"
KEY: Final = "sk-bench"
"""What callers show where a peer asks for a key and lets us choose it."""


class Unavailable(Exception):
    """A peer that is not installed here, and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer runs: a folder for its files, the address of its upstream, two free ports."""

    folder: Path
    upstream: str
    rest_port: int
    grpc_port: int

    @property
    def rest(self) -> str:
        return f"127.0.0.1:{self.rest_port}"

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.grpc_port}"


@dataclass(frozen=True, slots=True)
class Command:
    """A process, and what its environment has more than ours."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is to be started, together, and what callers send along."""

    commands: tuple[Command, ...]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Peer:
    """`prepare` raises Unavailable. `doors` are those of "rest" and "grpc" that it has."""

    name: str
    title: str
    prepare: Callable[[Place], Prepared]
    version: Callable[[], str]
    doors: tuple[str, ...] = ("rest",)


def installed(program: Path) -> str:
    """The path of a program that `make bench-peers` installs; raises Unavailable where it did not."""
    if not program.exists():
        raise Unavailable(f"{program.relative_to(ROOT)} is missing; `make bench-peers` installs it")
    return str(program)
