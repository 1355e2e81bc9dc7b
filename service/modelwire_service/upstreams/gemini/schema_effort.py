"""How much work and room a schema may take to rewrite.

References, and what stands beside unions, are copied to wherever they hold: a short schema can say a very long one.
"""

from typing import Any, Final

_FREE: Final = 16 << 10
_TIMES: Final = 8
_MOST: Final = 4 << 20


class TooLarge(Exception):
    """The schema is too large, or too deep, once its references are inlined."""


class Effort:
    """What is left of it for a schema of `size` bytes of JSON, in bytes: no more than a few times the schema."""

    def __init__(self, size: int) -> None:
        self._left = min(_FREE + _TIMES * size, _MOST)

    def spend(self, amount: int) -> None:
        """Raises TooLarge if there is not so much left."""
        self._left -= amount
        if self._left < 0:
            raise TooLarge

    def copy(self, value: Any) -> None:
        """Spends about what the values in a copy take as JSON, looking no deeper than its members."""
        self.spend(8)
        members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
        for member in members:
            self.spend(8 + (len(member) if isinstance(member, str | list | dict) else 0))
