"""Decoders of content codings, by the libraries that browsers and clients use."""

import sys
import zlib
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class Decoder:
    """Decodes one body as it arrives. `ended` tells whether the coding's own end has come."""

    def __init__(self, coding: str) -> None:
        self._decoder: Any = zlib.decompressobj(16 + zlib.MAX_WBITS) if coding == "gzip" else zstd.ZstdDecompressor()

    def feed(self, data: bytes) -> bytes:
        return bytes(self._decoder.decompress(data))

    @property
    def ended(self) -> bool:
        return bool(self._decoder.eof)


def decoded(coding: str, data: bytes) -> bytes:
    """The whole of a body; fails where its end is missing, or something follows it."""
    decoder = Decoder(coding)
    plain = decoder.feed(data)
    assert decoder.ended
    assert not decoder._decoder.unused_data
    return plain
