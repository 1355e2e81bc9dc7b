"""A whole answer of generateContent, as a chat.completion."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.answer_json import settle_indexes
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.audio_answer import in_format
from modelwire_service.upstreams.gemini.candidate_parts import NewId, Said, as_images, call_id, said_by
from modelwire_service.upstreams.gemini.finish_reasons import block_reason, finish_reason, told_beside
from modelwire_service.upstreams.gemini.logprobs import logprobs_of
from modelwire_service.upstreams.gemini.usage import usage_of

_MEMBERS: Final = frozenset({"candidates", "promptFeedback", "usageMetadata", "responseId", "modelVersion"})
_TIER_HEADER: Final = "x-gemini-service-tier"


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request its answer depends on: one call at most, and the format of speech."""

    one_call: bool = False
    audio_format: str | None = None
    new_id: NewId = call_id

    @classmethod
    def by(cls, request: Json) -> "Asked":
        """Gemini cannot be told to make one call at a time, so later ones of a turn are left out here.

        Nothing is lost: the model is asked again with the result of the first, which alone is signed.
        """
        one_call = request.get("parallel_tool_calls") is False
        return cls(one_call, (request.get("audio") or {}).get("format"))


def completion(answer: Json, headers: Mapping[str, str], asked: Asked) -> Json:
    """The chat.completion an answer stands for. Raises UpstreamProtocolError for an answer that is not Gemini's.

    A blocked prompt is an answer too, of one empty choice, as OpenAI's is that was filtered.
    """
    candidates = candidates_of(answer)
    if not is_answer(answer):
        raise UpstreamProtocolError("the upstream answered an object that is no answer of Gemini's")
    choices = [_choice(candidate, asked) for candidate in candidates]
    return head(answer, headers) | {
        "choices": choices or [unanswered(answer) | {"message": _message(Said(), asked)}],
        **({"usage": usage_of(metadata)} if (metadata := usage_metadata(answer)) else {}),
    }


def head(answer: Json, headers: Mapping[str, str]) -> Json:
    """What is told of the answer as a whole; members that Gemini leaves out are not there."""
    members: Json = {"id": answer.get("responseId"), "model": answer.get("modelVersion")}
    if tier := headers.get(_TIER_HEADER):
        members["service_tier"] = "default" if tier.lower() == "standard" else tier.lower()
    return {name: value for name, value in members.items() if isinstance(value, str) and value}


def candidates_of(answer: Any) -> list[Json]:
    """The candidates, each with an index. Raises UpstreamProtocolError where they are no list of objects."""
    if not isinstance(answer, dict):
        raise UpstreamProtocolError("the upstream answered JSON that is not an object")
    candidates = answer.get("candidates") or []
    if not isinstance(candidates, list) or not all(isinstance(candidate, dict) for candidate in candidates):
        raise UpstreamProtocolError("the upstream answered candidates that are no list of objects")
    settle_indexes(candidates, whole=True)
    return candidates


def is_answer(answer: Json) -> bool:
    """Whether there is anything of an answer's, be it without candidates."""
    return not _MEMBERS.isdisjoint(answer)


def unanswered(answer: Json) -> Json:
    """The choice in the place of candidates that did not come, without its message."""
    feedback = answer.get("promptFeedback")
    blocked = block_reason(feedback) if isinstance(feedback, dict) else None
    return {"index": 0, "finish_reason": "stop" if blocked is None else "content_filter", **(blocked or {})}


def usage_metadata(answer: Json) -> Json | None:
    metadata = answer.get("usageMetadata")
    return metadata if isinstance(metadata, dict) and metadata else None


def _choice(candidate: Json, asked: Asked) -> Json:
    said = said_by(candidate, asked.new_id)
    return {
        "index": candidate["index"],
        "message": _message(said, asked),
        **logprobs_of(candidate),
        "finish_reason": finish_reason(candidate.get("finishReason"), called=bool(said.calls)),
        **told_beside(candidate),
    }


def _message(said: Said, asked: Asked) -> Json:
    message: Json = {"role": "assistant", "content": said.text, "refusal": None, **said.told()}
    if said.calls:
        message["tool_calls"] = said.calls[:1] if asked.one_call else said.calls
    if said.images:
        message["images"] = as_images(said.images)
    if said.samples:
        data = in_format(said.samples, said.samples_type, asked.audio_format)
        message["audio"] = {"id": f"audio_{secrets.token_hex(12)}", "data": data, "transcript": "", "expires_at": 0}
    return message
