"""Bodies that came compressed."""

import zlib
from collections.abc import Mapping
from typing import Final

PIECE_BYTES: Final = 256 << 10
"""The most that is made of a body at a time, however little of it came."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_AS_IT_IS: Final = frozenset({"", "identity"})


class UndecodableBody(Exception):
    """A body is not what its Content-Encoding says, or that is not known."""


class Decoder:
    """Decompresses gzip and deflate (RFC 9110, section 8.4.1) piece by piece.

    `feed` it what came, then `read` until that gives nothing.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._inflating: zlib._Decompress | None = None
        self._left = b""
        self._more = False  # what was decompressed may go on without more of what came

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Decoder | None":
        """That of an answer; None for one that is not compressed."""
        coding = headers.get("content-encoding", "").strip().lower()
        return None if coding in _AS_IT_IS else cls(coding)

    def feed(self, data: bytes) -> None:
        self._left += data

    def read(self) -> bytes:
        """At most PIECE_BYTES; empty if more has to be fed. Raises UndecodableBody."""
        try:
            while self._left or self._more:
                made = self._inflated()
                if made:
                    return made
        except zlib.error as error:
            raise UndecodableBody from error
        return b""

    def check_end(self) -> None:
        """Raises UndecodableBody if the body ended too early."""
        if self._inflating is not None and not self._inflating.eof:
            raise UndecodableBody

    def _inflated(self) -> bytes:
        if self._inflating is None or (self._inflating.eof and self._left):  # gzip may come in several members
            self._inflating = self._begun()
        made = self._inflating.decompress(self._left, PIECE_BYTES)
        self._left = self._inflating.unconsumed_tail or self._inflating.unused_data
        self._more = len(made) == PIECE_BYTES and not self._inflating.eof
        return made

    def _begun(self) -> "zlib._Decompress":
        if self._coding in ("gzip", "x-gzip"):
            return zlib.decompressobj(_GZIP)
        if self._coding != "deflate" or self._inflating is not None:
            raise UndecodableBody
        # Some servers send it without the zlib header it must have; the first byte tells.
        return zlib.decompressobj(zlib.MAX_WBITS if self._left[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS)
