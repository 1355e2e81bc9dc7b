"""Vectors out of answers, checked: numbers that float32 holds, as callers who ask for base64 get them."""

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from modelwire_service.errors import UpstreamProtocolError

Vector = NDArray[np.floating[Any]]
"""float32 or float64."""
VectorList = list[Vector] | NDArray[np.floating[Any]]
"""Several vectors: a list, or the rows of an array."""

_LARGEST: Final = float(np.finfo(np.float32).max)
_FLOATS: Final = {float}
_NUMBERS: Final = {float, int, str}  # a text may be a number; true and null are none


def vector_of(numbers: Any) -> Vector:
    """The vector of a list of numbers. Raises UpstreamProtocolError for any other value."""
    try:
        kinds = set(map(type, numbers))
        if kinds == _FLOATS:  # NumPy takes twice as long to look at each
            vector: Vector = np.frombuffer(struct.pack(f"={len(numbers)}d", *numbers))
        elif kinds <= _NUMBERS:
            vector = np.array(numbers, dtype=np.float64)
        else:
            raise TypeError
    except (ValueError, TypeError):
        raise UpstreamProtocolError("the upstream sent an embedding that cannot be read") from None
    return checked(vector)


def checked(vector: Vector) -> Vector:
    """The vector, where it is one. Raises UpstreamProtocolError for none, and for numbers that float32 lacks."""
    if vector.ndim != 1 or not vector.size or not np.abs(vector).max() <= _LARGEST:
        raise UpstreamProtocolError("the upstream sent an embedding that is not a list of finite numbers in float32")
    return vector
