"""Token ids, against those of the `tokenizers` package with the same vocabulary."""

import unicodedata
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from modelwire_service.upstreams.embedded import word_piece
from modelwire_service.upstreams.embedded.word_piece import MAX_WORD_CHARS, WordPiece, bert_uncased
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

SAMPLES = (
    "",
    " ",
    "Hello, World!",
    "unaffable",
    "Don't stop — résumé, naïve façade.",
    "ÀÉÎÕÜ ÇÑ ß ẞ ŒÆ İstanbul ıI",
    "ΑΣ ΟΔΟΣ ΣΑΣ Σ.",
    "Привет, мир! Ёлка й",
    "مرحبا بالعالم ١٢٣",
    "שָׁלוֹם עולם",
    "नमस्ते दुनिया",
    "สวัสดีชาวโลก",
    "こんにちは世界、カタカナ がぎ",
    "中文字符混合English文本",
    "한국어 텍스트입니다",
    "𠀀𫠠豈更丽",
    "😀👩‍👩‍👧‍👦🇫🇷👍🏽❤️",
    "tab\tnew\nline\r\nnull\0bell\x07del\x7f",
    "zero\u200bwidth\ufeffbom\u00adsoft",
    "nbsp\u00a0em\u2003ideographic\u3000line\u2028paragraph\u2029",
    "\ufffd bad \ufffd",
    "e\u0301 combining a\u0308\u0304",
    "$^`|~+<=>#@&*()[]{}\\/",
    "[CLS] [SEP] [MASK] [PAD] [UNK]",
    "a" * 100,
    "a" * 101,
    "x" * 100 + " ok",
    "中" * 120,
    "https://example.com/a?b=c&d=%20#e",
    "3.14159 1,000,000 10⁻³ ½ Ⅷ ²",
    "def f(x): return x**2  # comment",
    "ﬁ ﬂ ﷺ ＡＢＣ １２３",
    "ʼn ǅ ŉ",
    "᭄ ཀ ༄ ꦏ ꯁ",
    "\ue000 private \U000f0000",
    "##ing ##s",
)


@cache
def reference() -> Tokenizer:
    lines = Path(word_piece.__file__).with_name("vocab.txt").read_text(encoding="utf-8").splitlines()
    vocab = {piece: index for index, piece in enumerate(lines)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=MAX_WORD_CHARS))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def reference_ids(text: str) -> list[int]:
    return [101, *reference().encode(text).ids, 102]


def known_to_both(char: str) -> bool:
    """The reference has tables of Unicode 8: what came or changed its kind later is read differently."""
    return unicodedata.ucd_3_2_0.category(char) == unicodedata.category(char) != "Cn"


any_text = st.text(st.characters(exclude_categories=["Cs", "Cn"]).filter(known_to_both), max_size=40)
wordy_text = st.lists(
    st.one_of(st.sampled_from(SAMPLES), st.from_regex(r"[A-Za-zÀ-ÿ]{1,12}[,.!?' ]", fullmatch=True), any_text),
    max_size=6,
).map("".join)


@pytest.mark.parametrize("text", SAMPLES)
def test_ids_are_those_of_the_reference_for(text: str) -> None:
    assert bert_uncased().encode(text) == reference_ids(text)


@settings(max_examples=600, deadline=None)
@given(st.one_of(any_text, wordy_text))
@example("a\u0300" * 60)
def test_ids_are_those_of_the_reference(text: str) -> None:
    assert bert_uncased().encode(text) == reference_ids(text)


def test_each_character_alone_is_read_as_the_reference_reads_it() -> None:
    chars = [char for char in map(chr, range(0x110000)) if known_to_both(char)]
    text = " ".join(f"a{char}b" for char in chars if unicodedata.category(char) not in ("Co", "Cs"))
    assert len(text) > 300_000
    assert bert_uncased().encode(text) == reference_ids(text)


@pytest.mark.parametrize("marker", ["[SEP]", "[CLS]", "[PAD]", "[UNK]", "[MASK]"])
def test_a_marker_in_a_text_is_no_marker(marker: str) -> None:
    ids = bert_uncased().encode(marker)[1:-1]
    assert len(ids) >= 3
    assert not set(ids) & {0, 100, 101, 102, 103}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("ab", [1, 3, 2]),
        ("abab", [1, 3, 4, 2]),
        ("abc", [1, 0, 2]),
        ("ab abc ab", [1, 3, 0, 3, 2]),
        ("", [1, 2]),
    ],
)
def test_words_become_the_longest_pieces_there_are(text: str, ids: list[int]) -> None:
    assert WordPiece(["[UNK]", "[CLS]", "[SEP]", "ab", "##ab", "a"]).encode(text) == ids


def test_the_vocabulary_is_whole() -> None:
    text = Path(word_piece.__file__).with_name("vocab.txt").read_text(encoding="utf-8")
    assert len(text.splitlines()) == len(set(text.split("\n"))) - 1 == 30_522
