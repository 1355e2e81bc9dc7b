"""What is known of the call under way, gathered by whoever learns it, for its log line and its row of usage."""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from modelwire_service.access.caller import ANYONE, Caller
from modelwire_service.upstreams.answer_json import as_int


@dataclass(slots=True)
class CallRecord:
    """One call. Token counts stay None where the upstream did not tell.

    `began` is on the clock of `time.perf_counter`, `first_token_ms` and `ended_ms` count from there. `client` is the
    address the call came from. `pieces` counts what was streamed of its answer. `ends_at` is when the call must be
    over, on the running loop's clock; None is never.
    """

    id: str
    rpc: str
    caller: Caller = ANYONE
    client: str = ""
    began: float = field(default_factory=time.perf_counter)
    started_at: float = field(default_factory=time.time)
    model: str | None = None
    upstream: str | None = None
    attempts: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    first_token_ms: float | None = None
    pieces: int = 0
    ends_at: float | None = None
    ended_ms: float | None = None

    def count(self, usage: object) -> None:
        """Takes the token counts of an OpenAI `usage` object; anything else is left alone."""
        if not isinstance(usage, dict):
            return
        self.input_tokens = as_int(usage.get("prompt_tokens"))
        self.output_tokens = as_int(usage.get("completion_tokens"))
        self.cached_tokens = _detail(usage, "prompt_tokens_details", "cached_tokens")
        self.reasoning_tokens = _detail(usage, "completion_tokens_details", "reasoning_tokens")

    @property
    def tokens(self) -> int:
        """What a call is charged for: its tokens, or the pieces streamed, about a token each, if nobody told."""
        if self.input_tokens is None and self.output_tokens is None:
            return self.pieces
        return (self.input_tokens or 0) + (self.output_tokens or 0)

    def answered(self) -> None:
        """Notes that the first of the answer is there; later calls change nothing."""
        if self.first_token_ms is None:
            self.first_token_ms = self._milliseconds()

    def ended(self) -> float:
        """The milliseconds the call took; it ends when this is asked for the first time."""
        if self.ended_ms is None:
            self.ended_ms = self._milliseconds()
        return self.ended_ms

    def _milliseconds(self) -> float:
        return round((time.perf_counter() - self.began) * 1000, 1)


def _detail(usage: dict[str, Any], details: str, name: str) -> int | None:
    told = usage.get(details)
    return as_int(told[name]) if isinstance(told, dict) and name in told else None


_current: ContextVar[CallRecord] = ContextVar("call_record")


def begin(record: CallRecord) -> None:
    """Makes `record` that of the running task."""
    _current.set(record)


def current() -> CallRecord:
    """The record of the call this task serves; one that nobody reads outside of any call."""
    return _current.get(None) or CallRecord("", "")
