"""The content codings of answers: bytes in, as many out as it takes to decode all that went in.

Levels and sizes were measured on one core with 480 kB of floats in JSON, of which little more than half can be
saved: gzip takes 8 ms at level 1 and 34 ms at level 6, for 218 kB and 202 kB; zstd takes 2 ms at level 1 and
5 ms at level 3, for 183 kB and 203 kB. Answers of 3 kB take 0.04 ms and halve at any level. A window of 128 KiB
costs no more than these and keeps the memory of a long zstd stream at 250 kB, as much as that of gzip.
"""

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from modelwire_gateway.middleware.accept_encoding import Coding

_GZIP_LEVEL: Final = 1
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
_ZSTD_LEVEL: Final = 1
_ZSTD_WINDOW_BITS: Final = 17


class ContentEncoder(Protocol):
    """Encodes one body."""

    def piece(self, data: bytes) -> bytes:
        """All of `data`, so that the other side can decode it before anything follows."""
        ...

    def last(self, data: bytes) -> bytes:
        """`data` and the end of the body."""
        ...


class _Gzip:
    __slots__ = ("_compressor",)

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)

    def piece(self, data: bytes) -> bytes:
        return self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def last(self, data: bytes) -> bytes:
        return self._compressor.compress(data) + self._compressor.flush()


class _Zstd:
    __slots__ = ("_compressor",)

    def __init__(self) -> None:
        zstd = _zstd()
        parameter = zstd.CompressionParameter
        options = {parameter.compression_level: _ZSTD_LEVEL, parameter.window_log: _ZSTD_WINDOW_BITS}
        self._compressor = zstd.ZstdCompressor(options=options)

    def piece(self, data: bytes) -> bytes:
        return bytes(self._compressor.compress(data, self._compressor.FLUSH_BLOCK))

    def last(self, data: bytes) -> bytes:
        return bytes(self._compressor.compress(data, self._compressor.FLUSH_FRAME))


ENCODERS: Final[Mapping[Coding, Callable[[], ContentEncoder]]] = {"gzip": _Gzip, "zstd": _Zstd}
"""Makes the encoder of a body."""


def _zstd() -> Any:
    """The standard library's module, or what stands in for it before Python 3.14; loaded when first asked for."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
