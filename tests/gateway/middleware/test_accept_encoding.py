import pytest
from modelwire_gateway.middleware.accept_encoding import Wish, wished_coding


@pytest.mark.parametrize(
    ("value", "coding"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "gzip"),
        ("GZip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=1.0, zstd;q=0.9", "gzip"),
        ("gzip;q=0.5, zstd;q=0.50", "zstd"),
        ("gzip ; q=0.2 ,\tzstd ; q=0.1", "gzip"),
        ("gzip;Q=0.2", "gzip"),
        ("gzip;q=0.001", "gzip"),
        ("*", "zstd"),
        ("*;q=0.1", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("gzip;q=0.3, *;q=0.2", "gzip"),
        ("gzip, identity", "gzip"),
        ("gzip;q=0.5, identity;q=0.5", "gzip"),
        ("deflate, , gzip", "gzip"),
    ],
)
def test_the_coding_wished_most(value: str, coding: str) -> None:
    wish = wished_coding(value)
    assert wish is not None
    assert wish.coding == coding


@pytest.mark.parametrize(
    "value",
    [
        "",
        "identity",
        "br, deflate",
        "gzip;q=0",
        "gzip;q=0.000, zstd;q=0",
        "gzip;q=0, *;q=0",
        "*;q=0",
        "identity, gzip;q=0.5",
        "identity;q=0.6, *;q=0.5",
        "gzipped",
        "not-gzip",
        "gzip;q=2",
        "gzip;q=0.1234",
        "gzip;q=-1",
        "gzip;q=",
        "identity;q=0",
        "br, identity;q=0",
    ],
)
def test_nothing_of_what_there_is(value: str) -> None:
    assert wished_coding(value) is None


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ("gzip", False),
        ("gzip, identity;q=0.1", False),
        ("gzip, *;q=0.1", False),
        ("gzip, identity;q=0", True),
        ("gzip, *;q=0", True),
        ("gzip, *;q=0, identity;q=0.5", False),
    ],
)
def test_an_answer_without_any_coding_may_be_refused(value: str, refused: bool) -> None:
    assert wished_coding(value) == Wish("gzip", refused)
