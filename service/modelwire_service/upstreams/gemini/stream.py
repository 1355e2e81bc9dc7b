"""The events of streamGenerateContent, as chat.completion.chunks.

Theory of operation. Each event is a whole answer that holds what is new. A choice begins with its role. A reason to
end is kept until the stream itself ends: calls and text may come in events before and, with older models, after the one
that has it, and usage, which is cumulative, comes with any. There is no [DONE]: a stream is whole if each choice that
began has a reason, or if the prompt was blocked. Events without any candidate are an answer of nothing, as they are
where no stream was asked for.
"""

import secrets
from collections.abc import Mapping

from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.answers import Asked, candidates_of, head, is_answer, unanswered, usage_metadata
from modelwire_service.upstreams.gemini.audio_answer import in_format
from modelwire_service.upstreams.gemini.candidate_parts import Said, as_images, said_by
from modelwire_service.upstreams.gemini.finish_reasons import block_reason, finish_reason, told_beside
from modelwire_service.upstreams.gemini.logprobs import logprobs_of
from modelwire_service.upstreams.gemini.usage import usage_of


class ChunkMaker:
    """Turns the events of one stream into chunks. Raises UpstreamProtocolError for what is not Gemini's."""

    def __init__(self, headers: Mapping[str, str], asked: Asked) -> None:
        self._headers = headers
        self._asked = asked
        self._head: Json = {}
        self._choices: dict[int, _Choice] = {}
        self._blocked: Json | None = None
        self._heard = False
        self._usage: Json | None = None

    def chunks(self, event: Json) -> list[Json]:
        """What an event adds; nothing where it has only figures."""
        candidates = candidates_of(event)
        self._heard = self._heard or is_answer(event)
        self._head = head(event, self._headers) | self._head
        self._usage = usage_metadata(event) or self._usage
        feedback = event.get("promptFeedback")
        if not candidates and isinstance(feedback, dict) and block_reason(feedback) is not None:
            self._blocked = unanswered(event)
        return [chunk for candidate in candidates for chunk in self._added(candidate)]

    def end(self) -> list[Json]:
        """The ends of the choices, then the usage. Raises UpstreamProtocolError for a stream that broke off."""
        whole = self._heard and all(choice.reason is not None for choice in self._choices.values())
        if not whole and self._blocked is None:
            raise UpstreamProtocolError("the upstream's stream ended before its answer did")
        nothing: Json = {"delta": {"role": "assistant", "content": None}, **(self._blocked or unanswered({}))}
        chunks = [self._chunk([end]) for end in self._ends() or [nothing]]
        return [*chunks, self._chunk([]) | {"usage": usage_of(self._usage)}] if self._usage else chunks

    def _ends(self) -> list[Json]:
        """The end of each choice; a block that came later is the reason of those that have none."""
        return [
            {**choice.end(), **((self._blocked or {}) if choice.reason is None else {}), "index": index}
            for index, choice in sorted(self._choices.items())
        ]

    def _added(self, candidate: Json) -> list[Json]:
        said = said_by(candidate, self._asked.new_id)
        index = candidate["index"]
        if index not in self._choices and not said.anything and not candidate.get("finishReason"):
            return []
        choice = self._choices.setdefault(index, _Choice(self._asked))
        choice.note_end(candidate)
        delta, logprobs = choice.delta(said), logprobs_of(candidate)
        if not delta and not logprobs:
            return []
        return [self._chunk([{"index": index, "delta": delta, **logprobs, "finish_reason": None}])]

    def _chunk(self, choices: list[Json]) -> Json:
        return {**self._head, "object": "chat.completion.chunk", "choices": choices}


class _Choice:
    """How far one choice has come. `reason` is Gemini's reason to end, None until it came."""

    def __init__(self, asked: Asked) -> None:
        self.reason: str | None = None
        self._asked = asked
        self._beside: Json = {}
        self._begun = False
        self._calls = 0
        self._images = 0
        self._audio_id = ""
        self._signature: str | None = None

    def note_end(self, candidate: Json) -> None:
        if isinstance(reason := candidate.get("finishReason"), str):
            self.reason = reason
        if beside := told_beside(candidate):
            told = self._beside.get("extra_content", {}).get("google", {})
            self._beside = {"extra_content": {"google": told | beside["extra_content"]["google"]}}

    def delta(self, said: Said) -> Json:
        """What is new. A signature is kept for the end: clients that put deltas together append one to the other."""
        self._signature, said.signature = said.signature or self._signature, None
        delta: Json = {} if self._begun else {"role": "assistant", "content": ""}
        self._begun = True
        if said.text is not None:
            delta["content"] = said.text
        delta |= said.told()
        if calls := self._numbered(said.calls):
            delta["tool_calls"] = calls
        if said.images:
            delta["images"] = as_images(said.images, self._images)
            self._images += len(said.images)
        if said.samples:
            delta["audio"] = self._audio(said)
        return delta

    def end(self) -> Json:
        said = Said(signature=self._signature)
        reason = finish_reason(self.reason, called=self._calls > 0)
        return {"delta": said.told(), "finish_reason": reason, **self._beside}

    def _numbered(self, calls: list[Json]) -> list[Json]:
        """Calls with their place among all of the choice, whichever event they came in."""
        if self._asked.one_call:
            calls = calls[: 1 - self._calls]
        numbered = [{"index": self._calls + at, **call} for at, call in enumerate(calls)]
        self._calls += len(calls)
        return numbered

    def _audio(self, said: Said) -> Json:
        data = {"data": in_format(said.samples, said.samples_type, self._asked.audio_format)}
        if self._audio_id:
            return data
        self._audio_id = f"audio_{secrets.token_hex(12)}"
        return {"id": self._audio_id, **data}
