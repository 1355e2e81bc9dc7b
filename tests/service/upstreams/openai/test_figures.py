"""Counts and probabilities of other types than OpenAI's: what came, and what goes out."""

from typing import Any

import pytest
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.openai.figures import UNLIKELY, settled_logprobs, settled_usage


def counts(prompt: Any, completion: Any, total: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


@pytest.mark.parametrize(
    ("came", "goes_out"),
    [
        (counts(3, 2, 5), counts(3, 2, 5)),
        (counts("3", "2", "5"), counts(3, 2, 5)),
        (counts(3.0, 2.0, 5.0), counts(3, 2, 5)),
        (counts(-3, 2, 5), counts(0, 2, 5)),
        (counts(3, [], 5), counts(3, 0, 5)),
        (counts(3, {}, {"a": 1}), counts(3, 0, 3)),
        (counts(3, 2, 5) | {"prompt_tokens_details": 0}, counts(3, 2, 5)),
        (counts(3, 2, None), counts(3, 2, 5)),
        (counts(1 << 40, 0, 1 << 40), counts((1 << 31) - 1, 0, (1 << 31) - 1)),
        ({"prompt_tokens": 3}, counts(3, 0, 3)),
        ({"total_tokens": 5}, counts(0, 0, 5)),
        (counts(True, {}, "x"), None),
        ({}, None),
        ([], None),
        (5, None),
        (
            counts(3, 2, 5) | {"prompt_tokens_details": {"cached_tokens": "1"}, "completion_tokens_details": {}},
            counts(3, 2, 5) | {"prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {}},
        ),
        (
            counts(3, 2, 5) | {"completion_tokens_details": {"reasoning_tokens": None, "audio_tokens": 0}},
            counts(3, 2, 5) | {"completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0}},
        ),
        (counts(3, 2, 5) | {"prompt_tokens_details": None, "completion_tokens_details": 5}, counts(3, 2, 5)),
        (counts(3, 2, 5) | {"cost": 0.002, "is_byok": False}, counts(3, 2, 5) | {"cost": 0.002, "is_byok": False}),
    ],
)
def test_usage(came: Any, goes_out: Any) -> None:
    assert settled_usage(came) == goes_out


def token(logprob: Any = -1.0, **members: Any) -> dict[str, Any]:
    return {"token": "t", "logprob": logprob, "bytes": [116], **members}


@pytest.mark.parametrize(
    ("came", "goes_out"),
    [
        (token(), token()),
        (token(-1), token(-1.0)),
        (token("-0.25"), token(-0.25)),
        (token(None), token(UNLIKELY)),
        (token("-inf"), token(UNLIKELY)),
        (token(bytes=None), token(bytes=None)),
        (token(bytes=["x"]), token(bytes=None)),
        (token(bytes=[256]), token(bytes=None)),
        ({"token": "t", "logprob": -1.0}, token(bytes=None)),
        (token(top_logprobs=None), token(top_logprobs=[])),
        (token(top_logprobs=[token("-2")]), token(top_logprobs=[token(-2.0)])),
    ],
)
@pytest.mark.parametrize("name", ["content", "refusal"])
def test_a_token(came: Any, goes_out: Any, name: str) -> None:
    assert settled_logprobs({name: [came]}, "logprobs") == {"content": None, name: [goes_out]}


@pytest.mark.parametrize("none", [None, {}, []])
def test_no_logprobs_are_null(none: Any) -> None:
    assert settled_logprobs(none, "logprobs") is None


@pytest.mark.parametrize(
    ("came", "told"),
    [
        (5, "logprobs is not an object"),
        ([token()], "logprobs is not an object"),
        ({"content": {}}, "logprobs.content is not a list"),
        ({"content": ["x"]}, r"logprobs.content\[0\] is not a token"),
        ({"refusal": [token(), {}]}, r"logprobs.refusal\[1\] is not a token"),
        ({"content": [token("x")]}, r"logprobs.content\[0\].logprob is not a number"),
        ({"content": [token(True)]}, r"logprobs.content\[0\].logprob is not a number"),
        ({"content": [token([])]}, r"logprobs.content\[0\].logprob is not a number"),
        ({"content": [token(top_logprobs=5)]}, r"logprobs.content\[0\].top_logprobs is not a list"),
    ],
)
def test_logprobs_nobody_can_read_are_the_upstreams_error(came: Any, told: str) -> None:
    with pytest.raises(UpstreamProtocolError, match=f"malformed: {told}$"):
        settled_logprobs(came, "logprobs")
