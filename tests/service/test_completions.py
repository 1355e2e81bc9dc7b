"""What clients rely on is there, whatever an upstream left out."""

import re
import time
from typing import Any

import orjson
import pytest
from modelwire_service.completions import ChunkStream, completed
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.events import DONE, Events
from modelwire_service.upstreams.text_runs import chunks_in

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
                    "message": {"role": "assistant", "content": None},
                    "finish_reason": "length",
                    "logprobs": {},
                }
            ],
        ),
        (
            [{"index": None, "message": {"role": None}, "finish_reason": None}],
            [{"index": 0, "message": ASSISTANT, "finish_reason": "stop"}],
        ),
        (
            [{"message": {"content": "a", "tool_calls": None}}],
            [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}],
        ),
        (None, []),
    ],
    ids=["nothing", "no message", "no index", "an empty list of calls", "nulls", "null for no calls", "no choices"],
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


def test_an_id_that_is_a_number_is_its_text() -> None:
    assert completed({"id": 17}, "ours")["id"] == "17"


def chunk(*choices: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**HEAD, "choices": list(choices), **members}


def payloads(data: bytes) -> list[Any]:
    """The JSON of all events; `[DONE]` as it is."""
    *events, nothing = data.decode().split("\n\n")
    assert nothing == ""
    texts = [event.removeprefix("data: ") for event in events]
    return [text if text == "[DONE]" else orjson.loads(text) for text in texts]


def said(stream: ChunkStream, *batches: list[dict[str, Any]]) -> list[Any]:
    """What is sent for `batches` and at the end."""
    return payloads(
        b"".join([*(Events().of(stream.chunks(batch)) for batch in batches), Events().of(stream.closing()), DONE])
    )


def finish(index: int, reason: str = "stop") -> dict[str, Any]:
    return {"index": index, "delta": {}, "finish_reason": reason}


@pytest.mark.parametrize("none", [None, []])
def test_a_delta_without_calls_has_no_member_for_them(none: Any) -> None:
    told = chunk({"index": 0, "delta": {"content": "a", "tool_calls": none}, "finish_reason": "stop"})
    first, *_ = said(ChunkStream("ours", include_usage=False), [told])
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "a"}


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
            [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None, "logprobs": {}}],
        ),
        (
            [chunk({"delta": {"role": "assistant", "content": "a"}}), chunk({"delta": {"role": "assistant"}})],
            [
                {"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None},
                {"index": 0, "delta": {}, "finish_reason": None},
            ],
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
    ids=[
        "nothing",
        "no delta",
        "nulls",
        "the role once",
        "a role of its own",
        "the role on each",
        "the role once a choice",
        "no index",
    ],
)
def test_choices_of_chunks_are_completed(chunks: list[dict[str, Any]], choices: list[dict[str, Any]]) -> None:
    events = payloads(Events().of(ChunkStream("ours", include_usage=False).chunks(chunks)))
    assert [choice for event in events for choice in event["choices"]] == choices


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("choices", "closing"),
    [
        ([{"delta": {"content": "a"}}], [finish(0)]),
        ([{"delta": {"tool_calls": [CALL]}}], [finish(0, "tool_calls")]),
        ([{"delta": {"content": "a"}, "finish_reason": "length"}], []),
        ([{"index": 1, "delta": {}}, {"index": 0, "delta": {}}], [finish(0), finish(1)]),
        ([{"index": 0, "delta": {}, "finish_reason": "stop"}, {"index": 1, "delta": {}}], [finish(1)]),
    ],
    ids=["text", "a call", "told", "two choices", "one of two told"],
)
def test_a_choice_without_a_reason_gets_one_at_the_end(choices: list[Any], closing: list[Any]) -> None:
    stream = ChunkStream("ours", include_usage=False)
    stream.chunks([chunk(*choices)])
    *events, done = payloads(Events().of(stream.closing()) + DONE)
    assert ([choice for event in events for choice in event["choices"]], done) == (closing, "[DONE]")


REASONS: list[tuple[str, bool, dict[str, Any]]] = [
    # told, calls tools                     what callers read
    ("stop", False, {"finish_reason": "stop"}),
    ("stop", True, {"finish_reason": "tool_calls"}),
    ("tool_calls", True, {"finish_reason": "tool_calls"}),
    ("length", True, {"finish_reason": "length"}),
    ("content_filter", True, {"finish_reason": "content_filter"}),
    ("function_call", False, {"finish_reason": "function_call"}),
    ("function_call", True, {"finish_reason": "tool_calls"}),
    ("STOP", False, {"finish_reason": "stop", "native_finish_reason": "STOP"}),
    ("STOP", True, {"finish_reason": "tool_calls", "native_finish_reason": "STOP"}),
    ("end_turn", False, {"finish_reason": "stop", "native_finish_reason": "end_turn"}),
    ("MAX_TOKENS", False, {"finish_reason": "length", "native_finish_reason": "MAX_TOKENS"}),
    ("SAFETY", False, {"finish_reason": "content_filter", "native_finish_reason": "SAFETY"}),
    (
        "content_filter: RECITATION",
        False,
        {"finish_reason": "content_filter", "native_finish_reason": "content_filter: RECITATION"},
    ),
    (
        "function_call_filter: MALFORMED_FUNCTION_CALL",
        False,
        {"finish_reason": "stop", "native_finish_reason": "function_call_filter: MALFORMED_FUNCTION_CALL"},
    ),
    ("tool_use", True, {"finish_reason": "tool_calls", "native_finish_reason": "tool_use"}),
    ("never_heard_of", False, {"finish_reason": "stop", "native_finish_reason": "never_heard_of"}),
]


@pytest.mark.parametrize(("told", "calls", "read"), REASONS)
def test_reasons_to_finish_are_openais_five(told: str, calls: bool, read: dict[str, Any]) -> None:
    called = {"tool_calls": [CALL]} if calls else {}
    [whole] = completed({"choices": [{"message": called, "finish_reason": told}]}, "m")["choices"]
    chunks = [chunk({"delta": called}), chunk({"delta": {}, "finish_reason": told})]
    [opening, ending] = chunks_in(ChunkStream("m", include_usage=False).chunks(chunks))
    reasons = ("finish_reason", "native_finish_reason")
    assert {key: whole[key] for key in reasons if key in whole} == read
    assert {key: ending["choices"][0][key] for key in reasons if key in ending["choices"][0]} == read
    assert opening["choices"][0]["finish_reason"] is None


@pytest.mark.parametrize("told", [None, "", 5, [], {}])
def test_a_reason_that_is_no_word_is_stop(told: Any) -> None:
    assert (
        completed({"choices": [{"message": {}, "finish_reason": told}]}, "m")["choices"][0]["finish_reason"] == "stop"
    )


def test_the_native_reason_an_upstream_tells_is_kept() -> None:
    choice = {"message": {}, "finish_reason": "weird", "native_finish_reason": "WEIRD_1"}
    assert completed({"choices": [choice]}, "m")["choices"][0]["native_finish_reason"] == "WEIRD_1"


def test_all_chunks_have_the_head_of_the_first() -> None:
    other = {"id": "c2", "created": 5, "model": "other", "choices": [{}], "note": 1}
    first, second = payloads(Events().of(ChunkStream("ours", include_usage=False).chunks([chunk({}), other])))
    head = {**HEAD, "object": "chat.completion.chunk"}
    assert first.items() >= head.items()
    assert second.items() >= (head | {"note": 1}).items()


def test_a_head_nobody_gave_is_made_once() -> None:
    ended = {"choices": [finish(0)]}
    first, second, last, _ = said(ChunkStream("ours", include_usage=True), [{"choices": [{}]}], [ended])
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
    assert Events().of(stream.chunks(batch)) == b""
    assert Events().of(stream.closing()) + DONE == DONE


def test_a_choice_does_not_end_before_its_calls_are_named() -> None:
    unnamed = chunk({"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{}"}}]}})
    for end in (lambda stream: stream.chunks([chunk(finish(0, "tool_calls"))]), ChunkStream.closing):
        stream = ChunkStream("ours", include_usage=False)
        stream.chunks([unnamed])
        with pytest.raises(UpstreamProtocolError, match="a tool call is not named"):
            end(stream)
