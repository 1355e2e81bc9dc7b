"""What is kept of a call."""

from typing import Final, NamedTuple

from modelwire_service.call_record import CallRecord

_MAX_TEXT: Final = 200
_MAX_COUNT: Final = 2**53


class UsageRow(NamedTuple):
    """One call. A tuple and no dataclass: one is made in each call, and a frozen dataclass takes six times as long.

    `started_at` is in seconds since 1970. Counts of tokens are None where the upstream did not tell. `attempts` is how
    often an upstream was asked, one that was not reached or cannot do it included, one whose keys are all limited not;
    an attempt may be several requests, with one key after the other or for many texts. `outcome` is the name of the
    gRPC status.
    """

    call_id: str
    rpc: str
    key_id: str
    key_name: str
    model: str | None
    upstream: str | None
    client: str
    started_at: float
    duration_ms: float
    first_token_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    attempts: int
    outcome: str


def row_of(record: CallRecord, outcome: str) -> UsageRow:
    """The row of a call that ends at this moment, unless it has."""
    caller = record.caller
    return UsageRow(
        record.id,
        record.rpc,
        caller.id,
        caller.name,
        None if record.model is None else _storable(record.model),
        record.upstream,
        record.client,
        record.started_at,
        record.ended(),
        record.first_token_ms,
        _count(record.input_tokens),
        _count(record.output_tokens),
        _count(record.cached_tokens),
        _count(record.reasoning_tokens),
        record.attempts,
        outcome,
    )


def _storable(text: str) -> str:
    """A name that a caller made up: its beginning, without what databases and terminals do not take."""
    clipped = text[:_MAX_TEXT]
    return clipped if clipped.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in clipped)


def _count(told: int | None) -> int | None:
    """A number of an upstream's, within what columns hold."""
    return told if told is None or 0 <= told <= _MAX_COUNT else None
