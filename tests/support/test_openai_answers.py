"""What the schema of answers refuses."""

from typing import Any

import pytest
from support.openai_answers import chunks_of, complaints
from support.scripted_upstream import COMPLETION, chunk

FIRST = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[%s]}\n\n'
BEGUN = b'{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":null}'
ENDED = b'{"index":0,"delta":{},"finish_reason":"stop"}'
UNNAMED = {"index": 0, "delta": {"tool_calls": [{"id": "1", "index": 0}]}, "finish_reason": None}
DONE = b"data: [DONE]\n\n"


def with_choice(**members: Any) -> dict[str, Any]:
    return {**COMPLETION, "choices": [{**COMPLETION["choices"][0], **members}]}


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ({**COMPLETION, "timings": {}}, "$"),
        ({**COMPLETION, "object": "chat.completion.chunk"}, "$.object"),
        ({**COMPLETION, "id": ""}, "$.id"),
        ({**COMPLETION, "created": 1.5}, "$.created"),
        ({**COMPLETION, "choices": []}, "$.choices"),
        ({**COMPLETION, "usage": None}, "$.usage"),
        (with_choice(index=None), "$.choices[0].index"),
        (with_choice(finish_reason="STOP"), "$.choices[0].finish_reason"),
        (with_choice(finish_reason=None), "$.choices[0].finish_reason"),
        (with_choice(message={"role": "assistant"}), "$.choices[0].message"),
        (with_choice(message={"role": "model", "content": "a"}), "$.choices[0].message.role"),
        (
            with_choice(message={"role": "assistant", "content": None, "tool_calls": []}),
            "$.choices[0].message.tool_calls",
        ),
    ],
)
def test_a_completion_is_refused_for(answer: Any, path: str) -> None:
    assert [complaint.partition(": ")[0] for complaint in complaints("completion", answer)] == [path]


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (chunk("a", choices=[]), "$"),
        (chunk("a", usage=COMPLETION["usage"]), "$.usage"),
        (chunk(choices=[{"delta": {}, "finish_reason": None}]), "$.choices[0]"),
        (chunk(choices=[UNNAMED]), "$.choices[0].delta.tool_calls[0]"),
    ],
)
def test_a_chunk_is_refused_for(answer: Any, path: str) -> None:
    paths = {complaint.partition(": ")[0] for complaint in complaints("chunk", answer)}
    assert paths == {path}


@pytest.mark.parametrize(
    "events",
    [
        (BEGUN, BEGUN, ENDED),
        (ENDED,),
        (BEGUN,),
        (BEGUN, ENDED, ENDED),
    ],
    ids=["two beginnings", "no beginning", "no end", "two ends"],
)
def test_a_stream_is_refused_for(events: tuple[bytes, ...]) -> None:
    with pytest.raises(AssertionError):
        chunks_of(b"".join(FIRST % event for event in events) + DONE)


def test_a_stream_without_its_end_is_refused() -> None:
    assert len(chunks_of(FIRST % BEGUN + FIRST % ENDED + DONE)) == 2
    with pytest.raises(AssertionError):
        chunks_of(FIRST % BEGUN + FIRST % ENDED)
