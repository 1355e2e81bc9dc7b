"""What clients rely on is there, whatever an upstream left out."""

import re
import time
from typing import Any

import orjson
import pytest
from modelwire_service.completions import DONE, ChunkStream, completed

HEAD = {"id": "c1", "created": 1700000000, "model": "theirs"}
ASSISTANT = {"role": "assistant", "content": None}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def assert_fresh(identity: Any, created: Any) -> None:
    assert re.fullmatch(r"chatcmpl-[0-9a-f]{24}", identity)
    assert isinstance(created, int)
    assert abs(created - time.time()) < 60


@pytest.mark.parametrize(
    ("choices", "completed_choices"),
    [
        ([{}], [{"index": 0, "message": ASSISTANT, "finish_reason": "stop"}]),
        ([{"message": None}], [{"index": 0, "message": ASSISTANT, "finish_reason": "stop"}]),
        (
            [{"message": {"content": "a"}}, {"message": {"content": "b"}}],
            [
                {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"},
                {"index": 1, "message": {"role": "assistant", "content": "b"}, "finish_reason": "stop"},
            ],
        ),
        (
            [{"index": 4, "message": {"role": "model", "tool_calls": []}, "finish_reason": "length", "logprobs": {}}],
            [
                {
                    "index": 4,
                    "message": {"role": "model", "content": None, "tool_calls": []},
                    "finish_reason": "length",
                    "logprobs": {},
                }
            ],
        ),
        (
            [{"index": None, "message": {"role": None}, "finish_reason": None}],
            [{"index": 0, "message": ASSISTANT, "finish_reason": "stop"}],
        ),
        (None, []),
    ],
    ids=["nothing", "no message", "no index", "all its own", "nulls", "no choices"],
)
def test_choices_are_completed(choices: Any, completed_choices: list[dict[str, Any]]) -> None:
    assert completed({**HEAD, "choices": choices}, "ours")["choices"] == completed_choices


def test_what_an_upstream_says_of_a_reply_stays() -> None:
    reply = {**HEAD, "choices": [], "usage": USAGE, "system_fingerprint": "f"}
    assert completed(reply, "ours") == {**reply, "object": "chat.completion"}


@pytest.mark.parametrize("reply", [{}, {"id": "", "created": 0, "model": ""}, {"id": None, "created": "now"}])
def test_what_it_does_not_say_is_ours(reply: dict[str, Any]) -> None:
    said = completed(reply, "ours")
    assert_fresh(said["id"], said["created"])
    assert (said["object"], said["model"], said["choices"]) == ("chat.completion", "ours", [])


def test_a_time_with_a_fraction_is_one_in_seconds() -> None:
    assert completed({"created": 1700000000.9}, "ours")["created"] == 1700000000


def chunk(*choices: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**HEAD, "choices": list(choices), **members}


def said(stream: ChunkStream, *batches: list[dict[str, Any]]) -> list[Any]:
    """The JSON of all events of `batches` and of the end; `[DONE]` as it is."""
    data = b"".join([*(stream.events(batch) for batch in batches), stream.end()])
    *events, nothing = data.decode().split("\n\n")
    assert nothing == ""
    payloads = [event.removeprefix("data: ") for event in events]
    return [payload if payload == "[DONE]" else orjson.loads(payload) for payload in payloads]


@pytest.mark.parametrize(
    ("chunks", "choices"),
    [
        ([chunk({})], [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]),
        ([chunk({"delta": None})], [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]),
        (
            [chunk({"index": None, "delta": {"role": None, "content": "a"}})],
            [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}],
        ),
        (
            [chunk({"delta": {"content": "a"}}), chunk({"delta": {"content": "b"}, "finish_reason": "stop"})],
            [
                {"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None},
                {"index": 0, "delta": {"content": "b"}, "finish_reason": "stop"},
            ],
        ),
        (
            [chunk({"delta": {"role": "model", "content": "a"}, "logprobs": {}})],
            [{"index": 0, "delta": {"role": "model", "content": "a"}, "finish_reason": None, "logprobs": {}}],
        ),
        (
            [chunk({"index": 1, "delta": {}}), chunk({"index": 0, "delta": {}}, {"index": 1, "delta": {}})],
            [
                {"index": 1, "delta": {"role": "assistant"}, "finish_reason": None},
                {"index": 0, "delta": {"role": "assistant"}, "finish_reason": None},
                {"index": 1, "delta": {}, "finish_reason": None},
            ],
        ),
        (
            [chunk({"delta": {}}, {"delta": {}})],
            [
                {"index": 0, "delta": {"role": "assistant"}, "finish_reason": None},
                {"index": 1, "delta": {"role": "assistant"}, "finish_reason": None},
            ],
        ),
    ],
    ids=["nothing", "no delta", "nulls", "the role once", "its own role", "the role once a choice", "no index"],
)
def test_choices_of_chunks_are_completed(chunks: list[dict[str, Any]], choices: list[dict[str, Any]]) -> None:
    *events, done = said(ChunkStream("ours", include_usage=False), chunks)
    assert [choice for event in events for choice in event["choices"]] == choices
    assert done == "[DONE]"


def test_all_chunks_have_the_head_of_the_first() -> None:
    other = {"id": "c2", "created": 5, "model": "other", "choices": [{}], "note": 1}
    first, second, _ = said(ChunkStream("ours", include_usage=False), [chunk({})], [other])
    head = {**HEAD, "object": "chat.completion.chunk"}
    assert first.items() >= head.items()
    assert second.items() >= (head | {"note": 1}).items()


def test_a_head_nobody_gave_is_made_once() -> None:
    first, second, last, _ = said(ChunkStream("ours", include_usage=True), [{"choices": [{}]}], [{"choices": [{}]}])
    assert_fresh(first["id"], first["created"])
    assert first["model"] == "ours"
    for event in (second, last):
        assert [event[key] for key in ("id", "created", "model")] == [first[key] for key in ("id", "created", "model")]


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk({}), chunk(usage=USAGE)],
        [chunk({}), chunk({}, usage=USAGE)],
        [chunk({}, usage={"total_tokens": 1}), chunk({}, usage=USAGE), chunk({}, usage=None)],
    ],
    ids=["at the end", "with the last choice", "running totals"],
)
@pytest.mark.parametrize("asked", [True, False])
def test_usage_is_told_once_at_the_end_to_who_asked(asked: bool, chunks: list[dict[str, Any]]) -> None:
    stream = ChunkStream("ours", include_usage=asked)
    *events, done = said(stream, chunks)
    assert (stream.usage, done) == (USAGE, "[DONE]")
    if asked:
        *events, last = events
        assert (last["choices"], last["usage"]) == ([], USAGE)
        assert last.items() >= HEAD.items()
        assert all(event["usage"] is None for event in events)
    assert all("usage" in event for event in events) == asked
    assert all(event["choices"] for event in events)


def test_usage_nobody_told_is_null() -> None:
    assert said(ChunkStream("ours", include_usage=True), [chunk({})])[-2]["usage"] is None


@pytest.mark.parametrize("batch", [[], [chunk()], [{"choices": None}, {}]])
def test_a_batch_that_says_nothing_is_no_event(batch: list[dict[str, Any]]) -> None:
    stream = ChunkStream("ours", include_usage=False)
    assert stream.events(batch) == b""
    assert stream.end() == DONE
