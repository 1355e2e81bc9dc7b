"""Chunks as server-sent events."""

from typing import Final

import orjson

from modelwire_service.upstreams.base import Batch, Json
from modelwire_service.upstreams.text_runs import TextRun

DONE: Final = b"data: [DONE]\n\n"


class Events:
    """The events of one stream. What is around the texts of a run is written once."""

    def __init__(self) -> None:
        self._like: Json | None = None
        self._before = self._after = b""

    def of(self, chunks: Batch) -> bytes:
        """The events of some chunks; empty if there are none."""
        return b"".join([self._run(c) if isinstance(c, TextRun) else b"data: %b\n\n" % orjson.dumps(c) for c in chunks])

    def _run(self, run: TextRun) -> bytes:
        if self._like is not run.like:
            self._like = run.like
            before, after = run.around()
            self._before, self._after = b"data: " + before, after + b"\n\n"
        return self._before + (self._after + self._before).join(run.texts) + self._after
