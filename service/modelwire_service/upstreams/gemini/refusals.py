"""What of a request Gemini cannot do, by name. What only matters to a vendor, or changes no answer, is taken."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from modelwire_service.errors import InvalidRequest, Violation
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.extra_body import NOT_SUPPORTED, other_vendors
from modelwire_service.upstreams.gemini.generation_config import voice_name

MAX_CANDIDATES: Final = 8
MAX_STOP_SEQUENCES: Final = 5
TIERS: Final = ("auto", "default", "standard", "flex", "priority")
_SPOKEN: Final = ("pcm16", "wav")
_SPOKEN_IN_STREAMS: Final = ("pcm16",)

_ACTED_ON: Final = frozenset({
    "model", "messages", "stream", "stream_options", "tools", "tool_choice", "n", "stop", "max_completion_tokens",
    "max_tokens", "temperature", "top_p", "response_format", "presence_penalty", "frequency_penalty", "seed",
    "logprobs", "top_logprobs", "parallel_tool_calls", "reasoning_effort", "modalities", "audio", "store",
    "service_tier", "extra_body",
})  # fmt: skip
# A prediction makes an answer quicker, not another one.
_WITHOUT_EFFECT: Final = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key", "prediction"})
_TAKEN: Final = _ACTED_ON | _WITHOUT_EFFECT
_SAYING_NOTHING: Final[Mapping[str, object]] = {"logit_bias": {}, "verbosity": "medium"}

_TAKEN_OF_TOOL: Final = frozenset({"function", "type"})
_TAKEN_OF_FUNCTION: Final = frozenset({"name", "description", "parameters", "strict"})
_TAKEN_FOR_EMBEDDINGS: Final = frozenset({"input", "model", "encoding_format", "dimensions", "user"})
_TAKEN_OF_FORMAT: Final = frozenset({"type", "json_schema"})


def refuse_unsupported(request: Json) -> None:
    """Raises InvalidRequest with all that Gemini cannot do."""
    if violations := [*_undeclared(request), *_out_of_reach(request), *_spoken(request)]:
        raise InvalidRequest(violations)


def refuse_members(given: Iterable[str], taken: frozenset[str], path: str = "") -> Iterator[Violation]:
    """A violation for each member that is not taken; `path` is put before its name."""
    return (Violation(f"{path}{name}", NOT_SUPPORTED) for name in given if name not in taken)


def _undeclared(request: Json) -> Iterator[Violation]:
    said = {name for name, value in request.items() if name not in _SAYING_NOTHING or value != _SAYING_NOTHING[name]}
    yield from refuse_members((name for name in request if name in said), _TAKEN)
    for at, tool in enumerate(request.get("tools") or ()):
        yield from refuse_members(tool, _TAKEN_OF_TOOL, f"tools[{at}].")
        yield from refuse_members(tool["function"], _TAKEN_OF_FUNCTION, f"tools[{at}].function.")
    yield from refuse_members(request.get("response_format") or {}, _TAKEN_OF_FORMAT, "response_format.")
    for at, message in enumerate(request["messages"]):
        if message["role"] == "assistant" and message.get("audio"):
            yield Violation(f"messages[{at}].audio", NOT_SUPPORTED)  # the id of an answer that nobody kept
    yield from other_vendors(request)


def _out_of_reach(request: Json) -> Iterator[Violation]:
    count = request.get("n") or 1
    if count > MAX_CANDIDATES:
        yield Violation("n", f"must be at most {MAX_CANDIDATES} with Gemini models")
    elif count > 1 and request.get("stream"):
        yield Violation("n", "must be 1 in a stream of a Gemini model")
    if isinstance(stop := request.get("stop"), list) and len(stop) > MAX_STOP_SEQUENCES:
        yield Violation("stop", f"must hold at most {MAX_STOP_SEQUENCES} sequences with Gemini models")
    if request.get("service_tier", "auto") not in TIERS:
        yield Violation("service_tier", f"must be one of {', '.join(TIERS)} with Gemini models")


def _spoken(request: Json) -> Iterator[Violation]:
    if (audio := request.get("audio")) is None:
        return
    formats = _SPOKEN_IN_STREAMS if request.get("stream") else _SPOKEN
    if audio["format"] not in formats:
        yield Violation("audio.format", f"must be {' or '.join(formats)} here with Gemini models")
    if voice_name(audio["voice"]) is None:
        yield Violation("audio.voice", "must be the name of a voice, or an object with it")


def refuse_embedding_members(request: Json) -> None:
    """Raises InvalidRequest for members of an embeddings request that Gemini has nothing for."""
    if violations := list(refuse_members(request, _TAKEN_FOR_EMBEDDINGS)):
        raise InvalidRequest(violations)
