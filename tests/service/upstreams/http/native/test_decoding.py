"""Compressed bodies, however they are split."""

import gzip
import zlib

import pytest
from modelwire_service.upstreams.http.native.decoding import PIECE_BYTES, Decoder, UndecodableBody

TEXT = b"The quick brown fox jumps over the lazy dog. " * 100


def raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


def decoded(coding: str, data: bytes, size: int) -> bytes:
    decoder = Decoder(coding)
    made = []
    for start in range(0, len(data), size):
        decoder.feed(data[start : start + size])
        while piece := decoder.read():
            assert len(piece) <= PIECE_BYTES
            made.append(piece)
    decoder.check_end()
    return b"".join(made)


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("coding", "data", "expected"),
    [
        pytest.param("gzip", gzip.compress(TEXT), TEXT, id="gzip"),
        pytest.param("x-gzip", gzip.compress(TEXT), TEXT, id="x-gzip"),
        pytest.param("gzip", gzip.compress(TEXT) + gzip.compress(b"more"), TEXT + b"more", id="two members"),
        pytest.param("gzip", gzip.compress(b""), b"", id="nothing, zipped"),
        pytest.param("gzip", b"", b"", id="nothing at all"),
        pytest.param("deflate", zlib.compress(TEXT), TEXT, id="deflate"),
        pytest.param("deflate", raw_deflate(TEXT), TEXT, id="deflate without its head"),
    ],
)
def test_a_body_is_decompressed(coding: str, data: bytes, expected: bytes, size: int) -> None:
    assert decoded(coding, data, size) == expected


@pytest.mark.parametrize("spaces", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 64 * PIECE_BYTES])
def test_little_that_becomes_much_comes_in_pieces(spaces: int) -> None:
    assert decoded("gzip", gzip.compress(b" " * spaces), 1 << 20) == b" " * spaces


@pytest.mark.parametrize("size", [1, 1 << 20])
@pytest.mark.parametrize(
    ("coding", "data"),
    [
        pytest.param("gzip", b"not gzip at all", id="no gzip"),
        pytest.param("gzip", gzip.compress(TEXT)[:-4], id="gzip without its end"),
        pytest.param("gzip", gzip.compress(TEXT) + b"behind", id="gzip with more behind"),
        pytest.param("deflate", zlib.compress(TEXT)[:-4], id="deflate without its end"),
        pytest.param("deflate", zlib.compress(TEXT) + b"behind", id="deflate with more behind"),
        pytest.param("br", b"\x0b\x02\x80abc\x03", id="a coding not asked for"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(TEXT)), id="two codings"),
    ],
)
def test_another_body_is_refused(coding: str, data: bytes, size: int) -> None:
    with pytest.raises(UndecodableBody):
        decoded(coding, data, size)


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "identity"}, {"content-encoding": ""}])
def test_a_body_that_is_not_compressed_needs_no_decoder(headers: dict[str, str]) -> None:
    assert Decoder.of(headers) is None
