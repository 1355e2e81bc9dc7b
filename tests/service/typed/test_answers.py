"""Answers as messages: what has a field is in it, and nothing else is lost."""

from typing import Any

import pytest
from google.protobuf import json_format
from modelwire.v1 import chat_pb2
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.finish_reasons import FINISH_REASONS
from modelwire_service.typed.answers import chunk_wire, completion_wire, head_wire

Json = dict[str, Any]
HEAD: Json = {"id": "c1", "object": "chat.completion", "created": 1700000000, "model": "m"}
SAID_HEAD = {"id": "c1", "createTime": "2023-11-14T22:13:20Z", "model": "m"}


def said(message: Json, **members: Any) -> Json:
    """The one choice of a completion with that message, as a message."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": "stop"}
    wire = completion_wire({**HEAD, "choices": [choice | members]})
    completion: Json = json_format.MessageToDict(chat_pb2.ChatCompletion.FromString(wire))
    [told] = completion.pop("choices")
    assert completion == SAID_HEAD
    assert told.pop("finishReason") == "FINISH_REASON_STOP"
    assert told["message"].pop("role") == "ROLE_ASSISTANT"
    return dict(told)


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
MESSAGES: dict[str, tuple[Json, Json]] = {
    "nothing": ({}, {}),
    "text": ({"content": "a"}, {"text": "a"}),
    "empty text": ({"content": ""}, {"text": ""}),
    "refusal": ({"refusal": "no"}, {"refusal": "no"}),
    "thoughts": ({"reasoning_content": "why"}, {"reasoningContent": "why"}),
    "a signature": ({"extra_content": {"google": {"thought_signature": "U0lH"}}}, {"thoughtSignature": "U0lH"}),
    "a signature among others": (
        {"extra_content": {"google": {"thought_signature": "U0lH", "thought": True}, "x": 1}},
        {"thoughtSignature": "U0lH", "extraFieldsJson": {"extra_content": '{"google":{"thought":true},"x":1}'}},
    ),
    "what is no signature": (
        {"extra_content": {"google": {"thought_signature": 5}}},
        {"extraFieldsJson": {"extra_content": '{"google":{"thought_signature":5}}'}},
    ),
    "a call": (
        {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"toolCalls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
    ),
    "a call of another type": (
        {"tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "c", "input": "x"}}]},
        {
            "toolCalls": [
                {"id": "1", "extraFieldsJson": {"type": '"custom"', "custom": '{"name":"c","input":"x"}'}},
            ]
        },
    ),
    "images": (
        {"images": [{"index": 0, **IMAGE}, {"image_url": {"url": "https://example.com/a"}}]},
        {"images": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}, {"url": "https://example.com/a"}]},
    ),
    "images of another shape": ({"images": ["x"]}, {"extraFieldsJson": {"images": '["x"]'}}),
    "an image that cannot be read": (
        {"images": [{"image_url": {"url": "data:image/png;base64,a"}}]},
        {"images": [{"url": "data:image/png;base64,a"}]},
    ),
    "speech": (
        {"audio": {"id": "a1", "data": "aGk=", "transcript": "hi", "expires_at": 1700000000, "x": 1}},
        {
            "audio": {
                "id": "a1",
                "data": "aGk=",
                "transcript": "hi",
                "expireTime": "2023-11-14T22:13:20Z",
                "extraFieldsJson": {"x": "1"},
            }
        },
    ),
    "speech that cannot be read": (
        {"audio": {"id": "a1", "data": "?"}},
        {"extraFieldsJson": {"audio": '{"id":"a1","data":"?"}'}},
    ),
    "citations": (
        {"annotations": [{"type": "url_citation", "url_citation": {"start_index": 1, "end_index": 2, "url": "u"}}]},
        {"urlCitations": [{"startIndex": 1, "endIndex": 2, "url": "u"}]},
    ),
    "citations of another shape": (
        {"annotations": [{"type": "url_citation", "url_citation": {"start_index": -1}}]},
        {"extraFieldsJson": {"annotations": '[{"type":"url_citation","url_citation":{"start_index":-1}}]'}},
    ),
    "an older call": (
        {"function_call": {"name": "f", "arguments": "{}"}},
        {"extraFieldsJson": {"function_call": '{"name":"f","arguments":"{}"}'}},
    ),
    "null": ({"refusal": None, "audio": None, "annotations": None, "x": None}, {}),
}


@pytest.mark.parametrize(("message", "wanted"), MESSAGES.values(), ids=MESSAGES)
def test_what_a_message_says(message: Json, wanted: Json) -> None:
    assert said(message) == {"message": wanted}


def test_what_stands_beside_a_message() -> None:
    assert said({}, native_finish_reason="END", matched_stop={"b": 1, "a": 2}) == {
        "message": {},
        "nativeFinishReason": "END",
        "extraFieldsJson": {"matched_stop": '{"b":1,"a":2}'},
    }


def test_log_probabilities() -> None:
    token = {"token": "é", "logprob": -9999.0, "bytes": [195, 169]}
    told = {"content": [{**token, "top_logprobs": [{**token, "bytes": None}]}], "refusal": None}
    assert said({}, logprobs=told)["logprobs"] == {
        "content": [
            {
                "token": "é",
                "logprob": -9999.0,
                "tokenBytes": "w6k=",
                "topLogprobs": [{"token": "é", "logprob": -9999.0}],
            }
        ]
    }


@pytest.mark.parametrize("reason", sorted(FINISH_REASONS))
def test_every_reason_to_finish_has_a_value(reason: str) -> None:
    chunk = {**HEAD, "choices": [{"index": 1, "delta": {}, "finish_reason": reason}]}
    [choice] = chat_pb2.ChatCompletionChunk.FromString(chunk_wire(chunk)).choices
    assert chat_pb2.FinishReason.Name(choice.finish_reason) == f"FINISH_REASON_{reason.upper()}"


@pytest.mark.parametrize("created", [0, 253_402_300_800, 2**62])
def test_a_time_that_no_timestamp_holds_is_left_out(created: int) -> None:
    message = chat_pb2.ChatCompletionChunk.FromString(head_wire({**HEAD, "created": created}))
    assert not message.HasField("create_time")


def test_counts_that_are_none_stay_text() -> None:
    usage = {
        "prompt_tokens": 0,
        "completion_tokens": 2**40,
        "prompt_tokens_details": {"cached_tokens": -1, "audio_tokens": 2.5, "text_tokens": 1},
        "completion_tokens_details": None,
    }
    wire = completion_wire({**HEAD, "choices": [], "usage": usage})
    message = chat_pb2.ChatCompletion.FromString(wire)
    assert message.HasField("usage")
    assert json_format.MessageToDict(message.usage) == {
        "completionTokens": 2**31 - 1,
        "promptTokensDetails": {
            "textTokens": 1,
            "extraFieldsJson": {"cached_tokens": "-1", "audio_tokens": "2.5"},
        },
    }


@pytest.mark.parametrize("delta", [{"content": 5}, {"refusal": ["x"]}, {"reasoning_content": {}}])
def test_a_value_of_another_type_is_the_upstreams_error(delta: Json) -> None:
    with pytest.raises(UpstreamProtocolError, match="another type"):
        chunk_wire({**HEAD, "choices": [{"index": 0, "delta": delta}]})
