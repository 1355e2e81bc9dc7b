"""A chat request: each field by itself, then how they relate, then what upstreams get."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from modelwire_service.validation.bounds import CHAT_BOUNDS
from modelwire_service.validation.checks import shape
from modelwire_service.validation.formats import canonical_format, check_response_format
from modelwire_service.validation.messages import check_messages
from modelwire_service.validation.model_name import model_name
from modelwire_service.validation.report import Report
from modelwire_service.validation.tools import check_choice_among_tools, check_tool_choice, check_tools

Json = dict[str, Any]


def validate_chat(request: Json) -> Json:
    """The request as upstreams read it; raises InvalidRequest with everything that is wrong.

    Null members are gone (inside messages they stay), `max_tokens` is gone where `max_completion_tokens`
    is given, `stream_options` where nothing is streamed, and `response_format.type` is `json_schema` for
    `jsonSchema`. The rest is as it was, in its order. The result may be changed at its top level; what is
    deeper may be shared with `request`, which is left as it is.
    """
    given = _without_nulls(request)
    report = Report()
    _fields(given, (), report)
    for field, relate in _RELATIONS.items():
        if field in given:
            relate(given, report)
    report.raise_if_any()
    return _normalised(given)


_fields: Final = shape(
    {"model": model_name, "messages": check_messages},
    {
        **CHAT_BOUNDS,
        "tools": check_tools,
        "tool_choice": check_tool_choice,
        "response_format": check_response_format,
    },
)


def _options_need_a_stream(request: Json, report: Report) -> None:
    options = request["stream_options"]
    # Options that ask for nothing do no harm, and some clients always send them.
    if request.get("stream") is not True and isinstance(options, dict) and True in options.values():
        report.add(("stream_options",), "requires stream to be true")


def _alternatives_need_logprobs(request: Json, report: Report) -> None:
    if request.get("logprobs") is not True:
        report.add(("top_logprobs",), "requires logprobs to be true")


def _audio_needs_its_modality(request: Json, report: Report) -> None:
    modalities = request.get("modalities")
    if not isinstance(modalities, list) or "audio" not in modalities:
        report.add(("audio",), "requires audio in modalities")


_RELATIONS: Final[Mapping[str, Callable[[Json, Report], None]]] = {
    "stream_options": _options_need_a_stream,
    "top_logprobs": _alternatives_need_logprobs,
    "tool_choice": check_choice_among_tools,
    "audio": _audio_needs_its_modality,
}


def _normalised(request: Json) -> Json:
    if "max_completion_tokens" in request:
        request.pop("max_tokens", None)
    if not request.get("stream"):
        request.pop("stream_options", None)
    if "response_format" in request:
        request["response_format"] = canonical_format(request["response_format"])
    if "tools" in request:
        request["tools"] = [_tool_without_nulls(tool) for tool in request["tools"]]
    return request


def _tool_without_nulls(tool: Json) -> Json:
    return _without_nulls(tool) | {"function": _without_nulls(tool["function"])}


def _without_nulls(members: Json) -> Json:
    return {name: member for name, member in members.items() if member is not None}
