"""WordPiece as BERT's uncased models read it: text in, token ids out.

A text passes through four steps: unseen characters go and CJK characters stand alone; accents and capitals go;
punctuation stands alone; each word becomes the longest pieces the vocabulary has, from its left (google-research/bert,
tokenization.py). Markers such as `[SEP]` in a text are read as the punctuation and letters they are made of, so no
text can end itself.

The vocabulary, `vocab.txt`, has one piece a line, its id being the line's number from 0. Pieces that continue a word
begin with `##`.
"""

import string
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

MAX_WORD_CHARS = 100
_CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),  # sic, as the model was trained; the block begins at U+2B820
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_REPLACEMENT = 0xFFFD
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs"})


class WordPiece:
    """Turns texts into token ids."""

    def __init__(self, pieces: list[str]) -> None:
        """`pieces` in id order; `[UNK]`, `[CLS]` and `[SEP]` must be among them."""
        self._ids = {piece: index for index, piece in enumerate(pieces)}
        self._unknown, self._begin, self._end = (self._ids[name] for name in ("[UNK]", "[CLS]", "[SEP]"))

    def encode(self, text: str) -> list[int]:
        """The ids of a text, between those of `[CLS]` and `[SEP]`."""
        ids = [self._begin]
        for word in _words(text):
            if (whole := self._ids.get(word)) is not None and len(word) <= MAX_WORD_CHARS:
                ids.append(whole)
            else:
                ids += self._pieces(word)
        ids.append(self._end)
        return ids

    def _pieces(self, word: str) -> list[int]:
        """The longest pieces that make up a word; one `[UNK]` if any part of it is not in the vocabulary."""
        if len(word) > MAX_WORD_CHARS:
            return [self._unknown]
        found: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                if (piece := self._ids.get(prefix + word[start:end])) is not None:
                    found.append(piece)
                    start = end
                    break
            else:
                return [self._unknown]
        return found


@cache
def bert_uncased() -> WordPiece:
    """The tokenizer of all-MiniLM-L6-v2 and every other model with the vocabulary of bert-base-uncased."""
    return WordPiece(Path(__file__).with_name("vocab.txt").read_text(encoding="utf-8").splitlines())


class _Table(dict[int, str | None]):
    """A table for str.translate that works each character out when it first occurs."""

    def __init__(self, rule: Callable[[int], str | None]) -> None:
        super().__init__()
        self._rule = rule

    def __missing__(self, code: int) -> str | None:
        self[code] = result = self._rule(code)
        return result


def _cleaned(code: int) -> str | None:
    char = chr(code)
    if char in "\t\n\r":
        return " "
    if code == _REPLACEMENT or unicodedata.category(char) in _UNSEEN:
        return None
    if char.isspace():
        return " "
    return f" {char} " if any(low <= code <= high for low, high in _CJK) else char


def _without_accents(code: int) -> str | None:
    return None if unicodedata.category(chr(code)) == "Mn" else chr(code)


def _punctuation_apart(code: int) -> str | None:
    char = chr(code)
    return f" {char} " if char in string.punctuation or unicodedata.category(char)[0] == "P" else char


_CLEAN, _ACCENTS, _PUNCTUATION = _Table(_cleaned), _Table(_without_accents), _Table(_punctuation_apart)


def _words(text: str) -> list[str]:
    text = text.translate(_CLEAN)
    if not text.isascii():
        text = unicodedata.normalize("NFD", text).translate(_ACCENTS)
        text = text.replace("Σ", "σ")  # lower() makes ς of a word's last Σ; BERT lowers each character alone
    return text.lower().translate(_PUNCTUATION).split()
