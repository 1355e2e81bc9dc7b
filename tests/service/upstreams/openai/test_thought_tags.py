"""Thoughts within tags, however the network and the model split them."""

import pytest
from modelwire_service.upstreams.openai.thought_tags import ThoughtSplitter

CASES: dict[str, tuple[str, str, str]] = {
    # content, thought, said
    "no thought": ("hello", "", "hello"),
    "a thought, then words": ("<thought>why</thought>what", "why", "what"),
    "a thought alone": ("<thought>why</thought>", "why", ""),
    "two thoughts in a row": ("<thought>a</thought><thought>b</thought>c", "ab", "c"),
    "a thought that does not end": ("<thought>why", "why", ""),
    "an empty thought": ("<thought></thought>what", "", "what"),
    "a tag in the midst of words": ("say <thought>x</thought>", "", "say <thought>x</thought>"),
    "a tag after words": ("<thought>a</thought>b<thought>c</thought>", "a", "b<thought>c</thought>"),
    "what only begins like a tag": ("<though", "", "<though"),
    "another tag": ("<b>bold</b>", "", "<b>bold</b>"),
    "what only begins like an end": ("<thought>a</thou b</thought>c", "a</thou b", "c"),
    "an end that is cut": ("<thought>a</thou", "a</thou", ""),
    "angles in the thought": ("<thought>1 < 2 << 3</thought>4", "1 < 2 << 3", "4"),
    "not ASCII": ("<thought>é😀</thought>ü", "é😀", "ü"),
    "nothing": ("", "", ""),
}


def read(*pieces: str) -> tuple[str, str]:
    splitter = ThoughtSplitter()
    read = [splitter.feed(piece) for piece in pieces] + [splitter.close()]
    return "".join(thought for thought, _ in read), "".join(said for _, said in read)


@pytest.mark.parametrize("case", CASES)
def test_every_split_in_three_reads_the_same(case: str) -> None:
    content, thought, said = CASES[case]
    for first in range(len(content) + 1):
        for second in range(first, len(content) + 1):
            assert read(content[:first], content[first:second], content[second:]) == (thought, said)


def test_words_are_not_held_back() -> None:
    splitter = ThoughtSplitter()
    assert splitter.feed("<") == ("", "")
    assert splitter.feed("b>") == ("", "<b>")
    assert splitter.feed("<thou") == ("", "<thou")


def test_a_thought_is_not_held_back_but_for_what_may_end_it() -> None:
    splitter = ThoughtSplitter()
    assert splitter.feed("<thought>a") == ("a", "")
    assert splitter.feed("b<") == ("b", "")
    assert splitter.feed("/thought") == ("", "")
    assert splitter.feed(">c") == ("", "c")


def test_a_marked_piece_may_begin_a_thought_after_words() -> None:
    splitter = ThoughtSplitter()
    assert splitter.feed("words") == ("", "words")
    assert splitter.feed("<thought>why", marked=True) == ("why", "")
    assert splitter.feed("</thought>more") == ("", "more")
