"""Ids that no other has, made many at a time: asking the kernel for randomness costs more than all the rest of one."""

import os
from typing import Final

_HEX_DIGITS: Final = 24
_AT_ONCE: Final = 256

_ready: Final[list[str]] = []
os.register_at_fork(after_in_child=_ready.clear)  # or two processes would give the same


def fresh_id() -> str:
    """96 random bits in hexadecimal digits."""
    while True:
        try:
            return _ready.pop()
        except IndexError:
            digits = os.urandom(_AT_ONCE * _HEX_DIGITS // 2).hex()
            _ready.extend(digits[at : at + _HEX_DIGITS] for at in range(0, len(digits), _HEX_DIGITS))
