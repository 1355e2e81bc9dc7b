"""Compiling each message type once, those that contain themselves included."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from google.protobuf.descriptor import Descriptor


class Linked(Protocol):
    """Something compiled for a message type; made first, then linked to what its fields' types compiled to."""

    def link(self) -> None: ...


Compiled = TypeVar("Compiled", bound=Linked)


class Registry(Generic[Compiled]):
    """What was compiled, by descriptor. Others only see it when everything it leads to is linked."""

    def __init__(self, make: Callable[[Descriptor, Callable[[Descriptor], Compiled]], Compiled]) -> None:
        self._make = make
        self._whole: dict[Descriptor, Compiled] = {}
        self._lock = threading.Lock()

    def get(self, descriptor: Descriptor) -> Compiled:
        found = self._whole.get(descriptor)
        return found if found is not None else self._compile(descriptor)

    def _compile(self, descriptor: Descriptor) -> Compiled:
        made: dict[Descriptor, Compiled] = {}
        unlinked: list[Compiled] = []

        def of(wanted: Descriptor) -> Compiled:
            found = self._whole.get(wanted) or made.get(wanted)
            if found is None:
                found = made[wanted] = self._make(wanted, of)
                unlinked.append(found)
            return found

        with self._lock:
            result = of(descriptor)
            for compiled in unlinked:  # grows while it is walked
                compiled.link()
            self._whole.update(made)
            return result
