"""What is taken out of an upstream's words, and what is left in."""

import pytest
from modelwire_service.errors import MAX_MESSAGE_BYTES
from modelwire_service.upstreams.redaction import Redactor

KEY = "sk-planted-0123456789"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("temperature must be at most 2", "temperature must be at most 2"),
        (f"bad key {KEY}", "bad key [key]"),
        (f"bad key '{KEY}'.", "bad key '[key]'."),
        ("bad key sk-pl*************6789 given", "bad key [key] given"),
        ("header was Bearer abc.def", "header was [key]"),
        ("gemini key AIzaSyA0123456789 expired", "gemini key [key] expired"),
        ("bad key my%2Fother%2Bsecret", "bad key [key]"),
        ("bad key my/other+secret", "bad key [key]"),
        ("calling https://llm.example.net:8443/v1/chat/completions failed", "calling [upstream] failed"),
        ("calling LLM.example.net failed", "calling [upstream] failed"),
        ("dial llm.example.net:8443: refused", "dial [upstream]: refused"),
        ("see https://platform.example.net/docs", "see https://platform.example.net/docs"),
        ("my-llm.example.network is another", "my-llm.example.network is another"),
        ('boom\nTraceback (most recent call last):\n  File "/srv/app.py", line 3, in f', "boom"),
        ('boom File "/srv/app.py", line 3', "boom"),
        ("boom\n\tat com.example.Main.run(Main.java:5)", "boom"),
        ("Traceback (most recent call last):\n", ""),
        ("<!DOCTYPE html><html>", ""),
        ("bad gateway: <html><body>x", "bad gateway"),
        ("two\nlines\x00\tand\r\nmore  ", "two lines and more"),
        ("skeleton-structures are risk-adverse", "skeleton-structures are risk-adverse"),
    ],
)
def test_messages_are_scrubbed(said: str, told: str) -> None:
    assert Redactor([KEY, "my/other+secret"], "https://llm.example.net:8443/v1").scrub(said) == told


def test_a_short_key_is_found_as_a_word_only() -> None:
    redactor = Redactor(["EMPTY", ""], "http://127.0.0.1:8000/v1")
    assert (
        redactor.scrub("EMPTY is no key; NONEMPTY text at 127.0.0.1:8000")
        == "[key] is no key; NONEMPTY text at [upstream]"
    )


def test_messages_are_clipped() -> None:
    assert len(Redactor([], "http://x/").scrub("a" * 100_000)) == MAX_MESSAGE_BYTES
