"""Log probabilities and usage of answers, put into messages."""

from collections.abc import Collection
from typing import Any, Final

import orjson
from google.protobuf import timestamp_pb2
from google.protobuf.message import Message
from modelwire.v1 import logprobs_pb2, usage_pb2

from modelwire_service.upstreams.answer_json import MAX_INT32, as_count
from modelwire_service.upstreams.base import Json

_LAST_SECOND: Final = 253_402_300_799  # of the year 9999, where a Timestamp ends
_PROMPT: Final = frozenset(usage_pb2.PromptTokensDetails.DESCRIPTOR.fields_by_name) - {"extra_fields_json"}
_COMPLETION: Final = frozenset(usage_pb2.CompletionTokensDetails.DESCRIPTOR.fields_by_name) - {"extra_fields_json"}
_DETAILS: Final = {"prompt_tokens_details": _PROMPT, "completion_tokens_details": _COMPLETION}
_USAGE: Final = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", *_DETAILS})


def put_time(into: timestamp_pb2.Timestamp, seconds: object) -> None:
    """Puts a time in seconds since the Unix epoch; nothing for 0, which stands for a time that nobody told, and for
    what a Timestamp does not hold."""
    if type(seconds) is int and 0 < seconds <= _LAST_SECOND:
        into.seconds = seconds


def put_extra(into: Any, told: Json, declared: Collection[str]) -> None:
    """Puts the members that no field declares into `extra_fields_json`. Null counts as absent."""
    for name, value in told.items():
        if name not in declared and value is not None:
            into.extra_fields_json[name] = orjson.dumps(value).decode()


def put_usage(into: usage_pb2.Usage, told: Json) -> None:
    """Puts a `usage`."""
    into.prompt_tokens = as_count(told.get("prompt_tokens"))
    into.completion_tokens = as_count(told.get("completion_tokens"))
    into.total_tokens = as_count(told.get("total_tokens"))
    into.SetInParent()
    for name, counts in _DETAILS.items():
        if isinstance(details := told.get(name), dict):
            _put_details(getattr(into, name), details, counts)
    if told.keys() - _USAGE:
        put_extra(into, told, _USAGE)


def _put_details(into: Message, told: Json, counts: frozenset[str]) -> None:
    into.SetInParent()
    rest = {}
    for name, value in told.items():
        if name in counts and type(value) is int and 0 <= value <= MAX_INT32:
            setattr(into, name, value)
        else:
            rest[name] = value
    put_extra(into, rest, ())


def put_logprobs(into: logprobs_pb2.Logprobs, told: Json) -> None:
    """Puts the `logprobs` of a choice."""
    into.SetInParent()
    for token in told.get("content") or ():
        _put_token(into.content.add(), token)
    for token in told.get("refusal") or ():
        _put_token(into.refusal.add(), token)


def _put_token(into: logprobs_pb2.TokenLogprob, told: Json) -> None:
    into.token = told["token"]
    into.logprob = told["logprob"]
    if (spelt := told.get("bytes")) is not None:
        into.raw_bytes = bytes(spelt)
    for token in told.get("top_logprobs") or ():
        _put_token(into.top_logprobs.add(), token)
