"""logprobsResult, as OpenAI's logprobs."""

from typing import Any

from modelwire_service.upstreams.base import Json


def logprobs_of(candidate: Json) -> Json:
    """The member `logprobs` of a choice, empty where there are none.

    `bytes` are null: Gemini tells tokens as text alone, which for parts of a character is not what they are.
    """
    result = candidate.get("logprobsResult")
    if not isinstance(result, dict):
        return {}
    chosen, tops = _objects(result.get("chosenCandidates")), _objects(result.get("topCandidates"))
    tops += [{}] * (len(chosen) - len(tops))
    content = [_token(token) | _alternatives(top) for token, top in zip(chosen, tops, strict=False)]
    return {"logprobs": {"content": content, "refusal": None}}


def _alternatives(top: Json) -> Json:
    return {"top_logprobs": [_token(other) for other in _objects(top.get("candidates"))]}


def _token(token: Json) -> Json:
    """A probability of 1 has a logarithm of 0, which proto3's JSON leaves out."""
    text, logprob = token.get("token"), token.get("logProbability")
    return {
        "token": text if isinstance(text, str) else "",
        "logprob": logprob if isinstance(logprob, int | float) else 0.0,
        "bytes": None,
    }


def _objects(value: Any) -> list[Json]:
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []
