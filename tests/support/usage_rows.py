"""Rows of usage."""

from modelwire_service.usage.rows import UsageRow

BEGAN = 1_767_225_600.0
"""2026-01-01 in UTC."""

PLAIN = UsageRow(
    call_id="req_0",
    rpc="/modelwire.v1beta.ChatService/ChatCompletions",
    key_id="abcdefghij",
    key_name="ci",
    model="gemini-2.5-flash",
    upstream="gemini",
    client="127.0.0.1",
    started_at=BEGAN,
    duration_ms=12.3,
    first_token_ms=4.5,
    input_tokens=10,
    output_tokens=20,
    cached_tokens=3,
    reasoning_tokens=4,
    attempts=1,
    outcome="OK",
)


def rows_of(count: int, first: int = 0) -> list[UsageRow]:
    """`count` calls, a millisecond apart, the first of which has the number `first`."""
    return [row_number(number) for number in range(first, first + count)]


def row_number(number: int) -> UsageRow:
    return PLAIN._replace(call_id=f"req_{number}", started_at=BEGAN + number / 1000)
