"""Messages that the wire holds in several parts, which are merged.

One part is kept as its extent, more of them as their bytes; so no number of parts takes more memory than the
bytes they are. Concatenated parts are the merged message (protobuf.dev/programming-guides/encoding).
"""

from .errors import JsonError
from .json_text import JsonValue
from .struct_decoder import Decode
from .wire import TOO_DEEP, part

# Where a message stands, or the bytes of one that comes in several parts.
Parts = tuple[int, int] | bytearray


def with_part(parts: Parts | None, buf: bytes, start: int, stop: int) -> Parts:
    """`parts`, if there are any, and the part between two positions."""
    if parts is None:
        return start, stop
    if isinstance(parts, tuple):
        parts = bytearray(part(buf, *parts))
    parts += part(buf, start, stop)
    return parts


def decode_parts(buf: bytes, parts: Parts, decode: Decode, depth: int) -> JsonValue:
    """Reads a message out of its parts."""
    if depth < 1:
        raise JsonError("", TOO_DEEP)
    if isinstance(parts, tuple):
        return decode(buf, *parts, depth - 1)
    joined = bytes(parts)
    return decode(joined, 0, len(joined), depth - 1)
