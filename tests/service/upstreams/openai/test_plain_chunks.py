"""Which chunks need no second look; all others are looked at in full."""

from typing import Any

import pytest
from modelwire_service.upstreams.openai.plain_chunks import plain_choice

PLAIN: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "system_fingerprint": None,
    "service_tier": "default",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "logprobs": None, "finish_reason": None}],
}
CHOICE: dict[str, Any] = PLAIN["choices"][0]


@pytest.mark.parametrize("beside", [{}, {"usage": None}])
def test_text_alone_is_plain(beside: dict[str, Any]) -> None:
    assert plain_choice({**PLAIN, **beside}) is CHOICE


@pytest.mark.parametrize(
    "chunk",
    [
        [],
        {**PLAIN, "error": {"message": "no"}},
        {**PLAIN, "object": "error"},
        {**PLAIN, "usage": {"total_tokens": 3}},
        {**PLAIN, "system_fingerprint": 3},
        {**PLAIN, "service_tier": []},
        {**PLAIN, "choices": None},
        {**PLAIN, "choices": []},
        {**PLAIN, "choices": [CHOICE, CHOICE]},
        {**PLAIN, "choices": ["a"]},
        {**PLAIN, "choices": [{**CHOICE, "index": "0"}]},
        {**PLAIN, "choices": [{**CHOICE, "index": True}]},
        {**PLAIN, "choices": [{**CHOICE, "index": -1}]},
        {**PLAIN, "choices": [{**CHOICE, "index": 1 << 31}]},
        {**PLAIN, "choices": [{**CHOICE, "delta": None}]},
        {**PLAIN, "choices": [{**CHOICE, "delta": {}}]},
        {**PLAIN, "choices": [{**CHOICE, "delta": {"content": ["a"]}}]},
        {**PLAIN, "choices": [{**CHOICE, "delta": {"content": "a", "refusal": "b"}}]},
        {**PLAIN, "choices": [{**CHOICE, "logprobs": {}}]},
        {**PLAIN, "choices": [{**CHOICE, "finish_reason": "stop"}]},
        {**PLAIN, "choices": [{**CHOICE, "native_finish_reason": 3}]},
    ],
)
def test_everything_else_is_not(chunk: Any) -> None:
    assert plain_choice(chunk) is None
