"""Sampling, limits, formats and modalities, as Gemini's generationConfig."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import Family
from modelwire_service.upstreams.gemini.parts import RESOLUTIONS, detail_of, images_of
from modelwire_service.upstreams.gemini.schemas import RESPONSE, schema_member
from modelwire_service.upstreams.gemini.thinking import thinking_config

_JSON: Final = "application/json"
_INT32: Final = 1 << 31
_MOST_OF_A_REQUEST: Final = RESOLUTIONS["high"]  # what is above it exists for single parts only


def _seed(seed: int) -> int:
    """Gemini's seeds have 32 bits, OpenAI's 64. All a seed promises is that equal ones stay equal."""
    return seed if -_INT32 <= seed < _INT32 else seed % _INT32


def _listed(stop: str | list[str]) -> list[str]:
    return [stop] if isinstance(stop, str) else stop


def _upper(names: list[str]) -> list[str]:
    return [name.upper() for name in names]


def _same(value: Any) -> Any:
    return value


# OpenAI's field → Gemini's, how it is written, and the value that says nothing. That one is left out, since not every
# model has the field at all: penalties of 0, which many clients send always, are a 400 from Gemini 2.5.
_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any], Any], Any]]] = {
    "temperature": ("temperature", _same, None),
    "top_p": ("topP", _same, None),
    "n": ("candidateCount", _same, 1),
    "max_tokens": ("maxOutputTokens", _same, None),
    "max_completion_tokens": ("maxOutputTokens", _same, None),
    "stop": ("stopSequences", _listed, None),
    "presence_penalty": ("presencePenalty", _same, 0),
    "frequency_penalty": ("frequencyPenalty", _same, 0),
    "seed": ("seed", _seed, None),
    "logprobs": ("responseLogprobs", _same, False),
    "top_logprobs": ("logprobs", _same, 0),
    "modalities": ("responseModalities", _upper, ["text"]),
}


def generation_config(request: Json, family: Family, google: Json) -> Json:
    """The generationConfig of a request, empty where nothing is asked for. `google` is of `extra_body`."""
    config = {
        native: write(request[field])
        for field, (native, write, nothing) in _FIELDS.items()
        if field in request and request[field] != nothing
    }
    config |= _format(request.get("response_format") or {"type": "text"}, family)
    config |= _resolution(request["messages"], family)
    if (voice := (request.get("audio") or {}).get("voice")) is not None:
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice_name(voice)}}}
    effort = request.get("reasoning_effort")
    if thinking := {**(thinking_config(effort, family) if effort else {}), **google.get("thinkingConfig", {})}:
        config["thinkingConfig"] = thinking
    return config


def voice_name(voice: Any) -> str | None:
    """The name of a voice, given as such or in an object. None if there is none."""
    told = voice.get("name") or voice.get("id") if isinstance(voice, dict) else voice
    return told if isinstance(told, str) else None


def _format(asked: Json, family: Family) -> Json:
    if asked["type"] == "text":
        return {}
    described = asked["json_schema"] if asked["type"] == "json_schema" else {}
    if (schema := described.get("schema")) is None:
        return {"responseMimeType": _JSON}
    if (description := described.get("description")) and "description" not in schema:
        schema = {**schema, "description": description}
    # JSON for an enum too, which Gemini can answer as bare text: callers parse what they asked a schema for.
    path = "response_format.json_schema.schema"
    return {"responseMimeType": _JSON, **schema_member(schema, RESPONSE, family, path)}


def _resolution(messages: list[Json], family: Family) -> Json:
    """Where there is one resolution for all images, the highest that any asks for: no image is seen worse."""
    if family.has_resolution_of_parts or not family.has_resolution:
        return {}
    details = [detail_of(image, path) for path, image in images_of(messages)]
    asked = [name for detail, name in RESOLUTIONS.items() if detail in details]
    if not asked:
        return {}
    return {"mediaResolution": min(asked[-1], _MOST_OF_A_REQUEST, key=list(RESOLUTIONS.values()).index)}
