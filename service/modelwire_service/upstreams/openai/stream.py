"""The events of a chat stream, read into chunks, with a verdict on how the stream ended.

A stream is whole if a choice began, and `[DONE]` came or each choice that began has a finish reason. Both a report of
failure and what cannot be read end it; the chunks before either still count.
"""

from typing import Any, Final

from modelwire_service.errors import ServiceError, UpstreamProtocolError
from modelwire_service.upstreams.answer_json import loads
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.errors import broken_choice, refusal, refusal_in, refusal_of_event
from modelwire_service.upstreams.openai.answer_values import settled_choices
from modelwire_service.upstreams.openai.answers import ChunkRepair
from modelwire_service.upstreams.openai.plain_chunks import plain_choice
from modelwire_service.upstreams.openai.text_pattern import TextPattern
from modelwire_service.upstreams.redaction import Redactor
from modelwire_service.upstreams.sse import SseReader
from modelwire_service.upstreams.text_runs import TextRun

_PATTERNS: Final = 4  # that fit nothing, before a stream counts as one whose chunks are all different


class ChunkReader:
    """Reads pieces of an event stream. `done` after [DONE]; `failure` once there is no reading on."""

    def __init__(self, redactor: Redactor, repair: ChunkRepair | None = None) -> None:
        self._events = SseReader()
        self._repair = repair
        self._redactor = redactor
        self._began: set[int] = set()
        self._finished: set[int] = set()
        self._pattern: TextPattern | None = None
        self._patterns_left = _PATTERNS if repair is None else 0
        self.done = False
        self.failure: ServiceError | None = None

    def feed(self, piece: bytes) -> list[Json | TextRun]:
        """The chunks completed by this piece; none after the end."""
        chunks: list[Json | TextRun] = []
        at = 0
        try:
            while at < len(piece) and not (self.done or self.failure):
                if self._pattern is not None and self._events.between and (found := self._pattern.run(piece, at)):
                    run, at = found
                    chunks.append(run)
                    self._patterns_left = _PATTERNS
                else:
                    events, at = self._events.step(piece, at)
                    self._take(events, chunks)
        except ServiceError as error:
            self.failure = error
        return chunks

    def close(self) -> list[Json | TextRun]:
        """The last chunks, when no piece will come. Sets `failure` if the stream broke off."""
        chunks: list[Json | TextRun] = []
        self._take(self._events.close(), chunks)
        if not (self.done or self.failure):
            self._add_what_was_held(chunks)
        if not (self.done or self.failure or (self._began and self._began <= self._finished)):
            self.failure = UpstreamProtocolError("the upstream's stream ended before its answer did")
        return chunks

    def _take(self, events: list[bytes], chunks: list[Json | TextRun]) -> None:
        for event in events:
            if self.done or self.failure:
                return
            if event.startswith(b"{"):
                self._read(event, chunks)
            elif event.strip() == b"[DONE]":
                self.done = True
                self._add_what_was_held(chunks)
                if not self._began:
                    self.failure = UpstreamProtocolError("the upstream answered no choices")
            elif not event.startswith(b":"):  # `data: : keepalive`, a comment sent as data
                self._read(event, chunks)
        if self._events.error is not None and not (self.done or self.failure):
            self.failure = refusal_of_event(self._events.error, self._redactor)

    def _read(self, event: bytes, chunks: list[Json | TextRun]) -> None:
        try:
            chunk = loads(event)
            if (choice := plain_choice(chunk)) is not None:
                self._began.add(choice["index"])
                if self._patterns_left:
                    self._patterns_left -= 1
                    self._pattern = TextPattern.of(event, chunk) or self._pattern
            elif (failure := refusal_in(chunk, self._redactor)) is not None:
                raise failure
            else:
                self._note(chunk)
            chunks.append(chunk if self._repair is None else self._repair.chunk(chunk))
        except ServiceError as error:
            self.failure = error

    def _add_what_was_held(self, chunks: list[Json | TextRun]) -> None:
        held = [] if self._repair is None else self._repair.ended(began=bool(self._began))
        for chunk in held:
            self._note(chunk)
        chunks += held

    def _note(self, chunk: Any) -> None:
        if not isinstance(chunk, dict):
            raise UpstreamProtocolError("the upstream sent an event that is no object")
        for choice in settled_choices(chunk, "delta"):
            index = choice["index"]
            self._began.add(index)
            if choice.get("finish_reason"):
                if (failure := broken_choice(choice)) is not None:
                    raise refusal(failure, self._redactor)
                self._finished.add(index)
