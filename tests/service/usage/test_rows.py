"""What is kept of a call."""

import time

import pytest
from modelwire_service.access.caller import Caller
from modelwire_service.call_record import CallRecord
from modelwire_service.usage.rows import row_of


def record_of(**known: object) -> CallRecord:
    record = CallRecord("req_1", "/modelwire.v1beta.ChatService/ChatCompletions")
    for name, value in known.items():
        setattr(record, name, value)
    return record


def test_a_row_has_what_the_record_knows() -> None:
    record = record_of(
        caller=Caller("abcdefghij", "ci"),
        client="127.0.0.1",
        model="gemini-2.5-flash",
        upstream="gemini",
        attempts=2,
        first_token_ms=12.5,
    )
    record.count({"prompt_tokens": 3, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1}})
    row = row_of(record, "OK")
    assert row._replace(duration_ms=0) == (
        *("req_1", "/modelwire.v1beta.ChatService/ChatCompletions", "abcdefghij", "ci", "gemini-2.5-flash", "gemini"),
        *("127.0.0.1", record.started_at, 0, 12.5, 3, 5, 1, None, 2, "OK"),
    )


def test_the_duration_counts_from_where_the_call_began() -> None:
    row = row_of(record_of(began=time.perf_counter() - 2), "OK")
    assert row.duration_ms >= 2_000


def test_the_row_and_the_line_tell_one_duration() -> None:
    record = record_of(began=time.perf_counter() - 2)
    told = record.ended()
    record.began -= 1
    assert (row_of(record, "OK").duration_ms, record.ended()) == (told, told)


def test_a_call_that_got_nowhere_has_a_row_too() -> None:
    row = row_of(record_of(), "UNAUTHENTICATED")
    assert (row.model, row.upstream, row.attempts, row.first_token_ms, row.outcome) == (
        *(None, None, 0, None),
        "UNAUTHENTICATED",
    )


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        ("models/漢字", "models/漢字"),
        ("a\0b", "a\ufffdb"),
        ("\x1b[31mred\n", "\ufffd[31mred\ufffd"),
        ("\ud800", "\ufffd"),
        ("m" * 1_000_000, "m" * 200),
    ],
)
def test_a_model_name_that_a_caller_made_up_fits_into_any_database(model: str, kept: str) -> None:
    assert row_of(record_of(model=model), "NOT_FOUND").model == kept


@pytest.mark.parametrize("count", [-1, 2**63, 10**30])
def test_a_count_that_no_upstream_can_mean_is_unknown(count: int) -> None:
    assert row_of(record_of(input_tokens=count, output_tokens=7), "OK")[10:12] == (None, 7)
