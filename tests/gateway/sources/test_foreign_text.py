import pytest
from modelwire_gateway.sources.foreign_text import on_one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("a plain sentence: ünï", "a plain sentence: ünï"),
        ("two\r\nlines\t", r"two\r\nlines\t"),
        ("\x1b[31mred\x00\x7f", r"\x1b[31mred\x00\x7f"),
        ("turned \u202e round", r"turned \u202e round"),
        ("half \ud800", r"half \ud800"),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 499 + "…"),
        ("\n" * 5000, r"\n" * 249 + "\\…"),
    ],
)
def test_text_of_others_keeps_to_one_line(text: str, shown: str) -> None:
    assert on_one_line(text) == shown
