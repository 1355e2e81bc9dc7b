"""Chunks of a stream that differ in their text alone, told together.

Most of a stream is such chunks. What is alike in them is looked at once, by whoever reads them and by whoever writes
them, and their texts pass from the one to the other as they came.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

Json = dict[str, Any]


class TextRun(NamedTuple):
    """Chunks that are all as `like`, but for the text that each has in the place of that one's.

    `like` is a `chat.completion.chunk` with one choice, whose delta has a text for its content. `texts` are what stands
    between the quotes in JSON: UTF-8, without anything that would have to be escaped.
    """

    like: Json
    texts: Sequence[bytes]

    def chunks(self) -> Iterator[Json]:
        """The chunks one by one. They share what is alike in them."""
        return (_with_text(self.like, text.decode()) for text in self.texts)

    def joined(self) -> Json:
        """One chunk with all their texts."""
        return _with_text(self.like, b"".join(self.texts).decode())

    def around(self) -> tuple[bytes, bytes]:
        """The JSON of each chunk, before its text and after it."""
        before, _, after = orjson.dumps(_with_text(self.like, "")).partition(b'"content":""')
        return before + b'"content":"', b'"' + after


Batch = Sequence[Json | TextRun]
"""Chunks that arrived together."""


def chunks_in(batch: Batch) -> Iterator[Json]:
    """All chunks of a batch, one by one."""
    for chunk in batch:
        if isinstance(chunk, TextRun):
            yield from chunk.chunks()
        else:
            yield chunk


def count_in(batch: Batch) -> int:
    """How many chunks there are in a batch."""
    return sum([len(chunk.texts) if type(chunk) is TextRun else 1 for chunk in batch])


def _with_text(chunk: Json, text: str) -> Json:
    (choice,) = chunk["choices"]
    return {**chunk, "choices": [{**choice, "delta": {**choice["delta"], "content": text}}]}
