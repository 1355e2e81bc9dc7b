"""Whatever a Gemini API answers: JSON in OpenAI's shape, or the one error for what is not Gemini's."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelwire_service.completions import ChunkStream, completed
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.events import Events
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.answers import Asked, completion
from modelwire_service.upstreams.gemini.errors import failure_in
from modelwire_service.upstreams.gemini.stream import ChunkMaker

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 2**63, 1.5, "", "x", "STOP", [], {}, [1], ["x"], [None], [{}], {"x": 1}]
)


def odd(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with any of these members, some of them of another shape."""
    return ODD | st.fixed_dictionaries({}, optional={name: value | ODD for name, value in members.items()})


BLOB = odd(mimeType=st.sampled_from(["image/png", "audio/l16"]), data=st.just("AAAA"))
PART = odd(text=ODD, thought=ODD, functionCall=odd(name=ODD, args=ODD, id=ODD), thoughtSignature=ODD, inlineData=BLOB)
TOKENS = st.lists(odd(token=ODD, logProbability=ODD), max_size=2)
LOGPROBS = odd(chosenCandidates=TOKENS, topCandidates=st.lists(odd(candidates=TOKENS), max_size=2))
CANDIDATE = odd(
    content=odd(parts=st.lists(PART, max_size=3)),
    index=ODD,
    finishReason=ODD,
    finishMessage=ODD,
    logprobsResult=LOGPROBS,
)
DETAILS = st.lists(odd(modality=st.just("AUDIO"), tokenCount=ODD), max_size=2)
ANSWER = odd(
    candidates=st.lists(CANDIDATE, max_size=2),
    promptFeedback=odd(blockReason=ODD, blockReasonMessage=ODD),
    usageMetadata=odd(promptTokenCount=ODD, toolUsePromptTokenCount=ODD, promptTokensDetails=DETAILS),
    responseId=ODD,
    modelVersion=ODD,
)


@QUICK
@given(ANSWER.filter(lambda answer: isinstance(answer, dict)), st.booleans())
def test_whole_answers(answer: Json, one_call: bool) -> None:
    with suppress(UpstreamProtocolError):
        told = orjson.loads(orjson.dumps(completed(completion(answer, {}, Asked(one_call)), "m")))
        assert all(isinstance(choice["finish_reason"], str) for choice in told["choices"])


@QUICK
@given(st.lists(ANSWER, max_size=4), st.booleans())
def test_streams(events: list[Any], one_call: bool) -> None:
    maker, stream = ChunkMaker({}, Asked(one_call)), ChunkStream("m", include_usage=True)
    with suppress(UpstreamProtocolError):
        for event in events:
            Events().of(stream.chunks(maker.chunks(event)))
        Events().of(stream.chunks(maker.end()))
        assert Events().of(stream.closing())


@pytest.mark.parametrize("error", [["quota"], 429, True, "quota", {}, {"message": ["x"]}])
def test_an_error_of_any_shape_is_one(error: object) -> None:
    assert failure_in({"error": error}) is not None
    assert failure_in([{"error": error}]) is not None


@pytest.mark.parametrize("answer", [{"error": None}, {"error": False}, {}, [], None, "error"])
def test_what_reports_no_error_is_none(answer: object) -> None:
    assert failure_in(answer) is None


def test_counts_stay_within_the_contract() -> None:
    much = 2**40
    metadata = {"promptTokenCount": much, "toolUsePromptTokenCount": much}
    details = [{"modality": "AUDIO", "tokenCount": much}] * 3
    usage = completion({"usageMetadata": {**metadata, "promptTokensDetails": details}}, {}, Asked())["usage"]
    assert usage["prompt_tokens"] == usage["prompt_tokens_details"]["audio_tokens"] == 2**31 - 1
