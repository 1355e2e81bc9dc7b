"""What a field of OpenAI's JSON is called in modelwire.v1.

Requests are judged as OpenAI's JSON, here and by upstreams, and what is wrong is told with paths there. A caller of
modelwire.v1 is told the path of the field that said it:

    messages[2].content[1].image_url.url          messages[2].parts.items[1].image
    tools[1].function.parameters.properties.a     tools[1].function.parameters_json, "properties.a: …"
    tool_choice.function.name                     tool_choice.function
    top_k                                         extra_fields_json.top_k

What stands within a JSON text has no path of its own, and goes before the reason.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from modelwire_service.errors import InvalidRequest, ServiceError, UpstreamRefused, Violation
from modelwire_service.typed.fields import EXTRA

_STEP: Final = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]|[^.\[\]]+')


@dataclass(frozen=True, slots=True)
class _Place:
    """What stands at a step of a path: what it is called here, and what may stand within.

    `listed` is what it is called where an item of it is meant. With `text` it is JSON text, and with `whole` nothing
    within it has a name here. Members that are not among `inside` stand, as JSON text, in the map `others`; "" is the
    place itself, None that there are none.
    """

    called: str
    inside: Mapping[str, "_Place"] = field(default_factory=dict)
    listed: str = ""
    others: str | None = None
    text: bool = False
    whole: bool = False


def v1_violation(violation: Violation) -> Violation:
    """The violation as callers of modelwire.v1 are told it."""
    path, within = _renamed(violation.field)
    return Violation(path, f"{within}: {violation.reason}" if within else violation.reason)


def in_v1_fields(error: ServiceError) -> ServiceError:
    """The error with the fields at fault, if it names any, called as modelwire.v1 calls them."""
    if isinstance(error, InvalidRequest):
        return InvalidRequest([v1_violation(violation) for violation in error.violations])
    if isinstance(error, UpstreamRefused) and error.param:
        error.param = _renamed(error.param)[0]
    return error


def _renamed(path: str) -> tuple[str, str]:
    """The path here, and what of it stands within a JSON text."""
    steps: list[str] = _STEP.findall(path)
    place, said = _REQUEST, ""
    for at, step in enumerate(steps):
        rest = steps[at + 1 :]
        if step.startswith("["):
            said = said.removesuffix(place.called) + (place.listed or place.called) + step
            continue
        found = place.inside.get(step)
        if found is None:
            return (said, "") if place.others is None else (_joined(said, place.others, step), _written(rest))
        said = _joined(said, found.called)
        if found.text:
            return said, _written(rest)
        if found.whole:
            break
        place = found
    return said, ""


def _joined(*names: str) -> str:
    return ".".join(name for name in names if name)


def _written(steps: list[str]) -> str:
    return "".join(step if step.startswith("[") else f".{step}" for step in steps).removeprefix(".")


def _same(*names: str) -> dict[str, _Place]:
    return {name: _Place(name, whole=True) for name in names}


def _own(*names: str) -> dict[str, _Place]:
    """Members that say what kind of thing they stand in: the thing itself is at fault."""
    return {name: _Place("", whole=True) for name in names}


_EXTRA_CONTENT: Final = {
    "extra_content": _Place("", {"google": _Place("", {"thought_signature": _Place("thought_signature", whole=True)})})
}
_IMAGE: Final = {"image_url": _Place("image", {"detail": _Place("detail"), **_own("url")})}
_PART: Final = _Place(
    "content",
    {
        **_IMAGE,
        **_same("text", "refusal"),
        **_own("type"),
        **_EXTRA_CONTENT,
        "input_audio": _Place("audio", _same("data", "format")),
        "file": _Place("file", {**_same("file_id", "filename"), "file_data": _Place("inline_data", whole=True)}),
    },
    listed="parts.items",
    others=EXTRA,
)
_CALL: Final = _Place(
    "tool_calls",
    {**_same("id"), **_own("type"), **_EXTRA_CONTENT, "function": _Place("function", _same("name", "arguments"))},
    others=EXTRA,
)
_MESSAGE: Final = _Place(
    "messages",
    {
        **_same("role", "name", "tool_call_id", "refusal", "reasoning_content"),
        **_EXTRA_CONTENT,
        "content": _PART,
        "tool_calls": _CALL,
        "audio": _Place("audio", _same("id")),
        "images": _Place("images", {"image_url": _Place("", _own("url"))}),
        "annotations": _Place("url_citations"),
    },
    others=EXTRA,
)
_FUNCTION: Final = _Place(
    "function",
    {**_same("name", "description", "strict"), "parameters": _Place("parameters_json", text=True)},
    others=EXTRA,
)
_SCHEMA: Final = _Place(
    "json_schema", {**_same("name", "description", "strict"), "schema": _Place("schema_json", text=True)}
)
_ALLOWED: Final = _Place("allowed_tools", {**_same("mode"), "tools": _Place("functions")})
_SEARCH: Final = _Place(
    "web_search_options",
    {
        **_same("search_context_size"),
        "user_location": _Place(
            "user_location", {"approximate": _Place("", _same("city", "country", "region", "timezone"))}
        ),
    },
)
_REQUEST: Final = _Place(
    "",
    {
        **{
            name: _Place(name)
            for name in (
                "model", "parallel_tool_calls", "max_completion_tokens", "n", "stop", "temperature", "top_p",
                "presence_penalty", "frequency_penalty", "seed", "logprobs", "top_logprobs", "reasoning_effort",
                "verbosity", "modalities", "store", "service_tier", "user", "safety_identifier", "prompt_cache_key",
                "dimensions",
            )
        },
        "input": _Place("inputs"),
        "messages": _MESSAGE,
        "tools": _Place("tools", {**_own("type"), "function": _FUNCTION}, others=EXTRA),
        "tool_choice": _Place(
            "tool_choice",
            {**_own("type"), "function": _Place("function", whole=True), "allowed_tools": _ALLOWED},
        ),
        "response_format": _Place("response_format", {**_own("type"), "json_schema": _SCHEMA}, others=EXTRA),
        "audio": _Place("audio", _same("format", "voice")),
        "prediction": _Place("prediction", whole=True),
        "web_search_options": _SEARCH,
        "logit_bias": _Place("logit_bias", others=""),
        "metadata": _Place("metadata", others=""),
        "extra_body": _Place("extra_body_json", others=""),
    },
    others=EXTRA,
)  # fmt: skip
