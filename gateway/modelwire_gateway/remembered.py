"""A function of few arguments, most of which come again, as a dict: what it has made is had without a call."""

from collections.abc import Callable
from typing import Final, TypeVar

K = TypeVar("K", str, bytes)
V = TypeVar("V")

_MOST: Final = 1024
_LONGEST: Final = 64


class Remembered(dict[K, V]):
    """What `make` makes of each key, made when first asked for.

    It holds a thousand and then begins anew, and none for long keys, since they may be what callers send.
    """

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make: Callable[[K], V] = make

    def __missing__(self, key: K) -> V:
        value = self._make(key)
        if len(key) <= _LONGEST:
            if len(self) >= _MOST:
                self.clear()
            self[key] = value
        return value
