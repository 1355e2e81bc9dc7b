"""What is known of the call under way, gathered for its log line by whoever learns it."""

from contextvars import ContextVar
from dataclasses import dataclass

from modelwire_service.upstreams.answer_json import as_int


@dataclass(slots=True)
class CallRecord:
    """One call. Token counts stay None where the upstream did not tell."""

    id: str
    rpc: str
    model: str | None = None
    upstream: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    def count(self, usage: object) -> None:
        """Takes the token counts of an OpenAI `usage` object; anything else is left alone."""
        if isinstance(usage, dict):
            self.input_tokens = as_int(usage.get("prompt_tokens"))
            self.output_tokens = as_int(usage.get("completion_tokens"))


_current: ContextVar[CallRecord] = ContextVar("call_record")


def begin(record: CallRecord) -> None:
    """Makes `record` that of the running task."""
    _current.set(record)


def current() -> CallRecord:
    """The record of the call this task serves; one that nobody reads outside of any call."""
    return _current.get(None) or CallRecord("", "")
