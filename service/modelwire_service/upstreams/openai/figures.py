"""The figures in answers of OpenAI-compatible servers: tokens counted, and how likely they were. Settled in place."""

import math
from typing import Any, Final

from modelwire_service.upstreams.answer_json import MAX_INT32, as_count, malformed, number_in
from modelwire_service.upstreams.base import Json

UNLIKELY: Final = -9999.0
"""What OpenAI says for the logarithm of next to nothing."""

_COUNTS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_DETAILS: Final = ("prompt_tokens_details", "completion_tokens_details")


def settled_usage(told: Any) -> Json | None:
    """A usage with all three counts, in whole numbers; None where none of them is told."""
    if type(told) is not dict:
        return None
    usage: Json = told
    return usage if _is_settled(usage) else _settled(usage)


def settled_logprobs(told: Any, where: str) -> Json | None:
    """Logprobs, null where there are none. Raises UpstreamProtocolError for what is no list of tokens."""
    if not told:
        return None
    if type(told) is not dict:
        raise malformed(where, "an object")
    logprobs: Json = told
    for name in ("content", "refusal"):
        if (tokens := logprobs.get(name)) is not None:
            _settle_tokens(tokens, f"{where}.{name}")
    logprobs.setdefault("content", None)
    return logprobs


def _is_settled(usage: Json) -> bool:
    """Whether all counts are there, and nothing but counts."""
    if not ("total_tokens" in usage and "prompt_tokens" in usage and "completion_tokens" in usage):
        return False
    for name, value in usage.items():
        nested = name in _DETAILS
        if (type(value) is dict) is not nested:
            return False
        for count in value.values() if nested else (value,):
            if type(count) is not int or not 0 <= count <= MAX_INT32:
                return False
    return True


def _settled(usage: Json) -> Json | None:
    if all(number_in(usage.get(name)) is None for name in _COUNTS):
        return None
    if number_in(usage.get("total_tokens")) is None:
        usage["total_tokens"] = sum(as_count(usage.get(name)) for name in _COUNTS[:2])
    for name in _COUNTS:
        usage.setdefault(name, 0)
    _settle_counts(usage)
    for name in _DETAILS:
        if type(details := usage.get(name)) is dict:
            _settle_counts(details)
        elif name in usage:
            del usage[name]
    return usage


def _settle_counts(members: Json) -> None:
    for name, value in members.items():
        if not (type(value) is int and 0 <= value <= MAX_INT32) and name.endswith("_tokens"):
            members[name] = as_count(value)


def _settle_tokens(tokens: Any, where: str) -> None:
    if type(tokens) is not list:
        raise malformed(where, "a list")
    for at, token in enumerate(tokens):
        if type(token) is not dict or type(token.get("token")) is not str:
            raise malformed(f"{where}[{at}]", "a token")
        if type(logprob := token.get("logprob")) is not float:
            token["logprob"] = _logprob(logprob, f"{where}[{at}].logprob")
        token["bytes"] = token.get("bytes") if _are_bytes(token.get("bytes")) else None
        if tops := token.get("top_logprobs"):
            _settle_tokens(tops, f"{where}[{at}].top_logprobs")
        elif "top_logprobs" in token:
            token["top_logprobs"] = []


def _logprob(told: Any, where: str) -> float:
    if told is None:
        return UNLIKELY
    try:
        logprob = math.nan if isinstance(told, bool) else float(told)
    except (TypeError, ValueError):
        logprob = math.nan
    if math.isnan(logprob):
        raise malformed(where, "a number")
    return max(logprob, UNLIKELY)


def _are_bytes(told: Any) -> bool:
    try:
        return type(told) is list and bytes(told) is not None
    except (TypeError, ValueError):
        return False
