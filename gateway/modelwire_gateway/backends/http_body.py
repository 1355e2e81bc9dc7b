"""google.api.HttpBody between a service and the gateway in one process."""

from functools import lru_cache
from typing import Final, Self

from modelwire_gateway.json_codec import length_delimited

_CONTENT_TYPES: Final = 64  # whose wire is remembered


class HttpBody(bytes):
    """A google.api.HttpBody in wire form, which tells what it holds to whoever has it in this process."""

    content_type: str
    data: bytes

    def __new__(cls, content_type: str, data: bytes) -> Self:
        self = super().__new__(cls, _named(content_type) + length_delimited(2, data) if data else _named(content_type))
        self.content_type = content_type
        self.data = data
        return self


@lru_cache(_CONTENT_TYPES)
def _named(content_type: str) -> bytes:
    return length_delimited(1, content_type.encode()) if content_type else b""
