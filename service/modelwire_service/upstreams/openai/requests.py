"""Chat requests in the words of servers that take less than OpenAI's, or take it otherwise.

What means nothing there, or asks for what is done anyway, is left out. Anything else the server would refuse, or
ignore without a word, is refused here with the name of the field.
"""

from collections.abc import Callable
from typing import Any, Final

from modelwire_service.errors import InvalidRequest, Violation
from modelwire_service.upstreams.allowed_tools import allowed_alone
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai.messages import closed_messages, closed_tools, reasoning_named, text_results
from modelwire_service.upstreams.openai.profiles import Profile

_Step = Callable[[Json, Profile, list[Violation]], None]

HARMLESS: Final = frozenset({
    "user", "metadata", "store", "prompt_cache_key", "safety_identifier", "service_tier", "prediction",
    "stream_options",
})  # fmt: skip
"""Members that change what is counted, kept, paid or how soon it comes, not what is said."""

_AS_IF_ABSENT: Final[dict[str, Any]] = {
    "n": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "parallel_tool_calls": True,
    "tools": [],
    "tool_choice": "auto",
    "response_format": {"type": "text"},
    "modalities": ["text"],
    "verbosity": "medium",
    "extra_body": {},
}
"""Values that ask for what every server does unasked."""


def request_repair(profile: Profile) -> Callable[[Json], Json] | None:
    """What makes a chat request one that the server takes; None if it takes all as it is.

    The repair leaves its argument as it is, and raises InvalidRequest with everything the server would not heed.
    """
    steps = [step for step, applies in _steps(profile) if applies]
    if not steps:
        return None

    def repaired(request: Json) -> Json:
        request, violations = dict(request), list[Violation]()
        for step in steps:
            step(request, profile, violations)
        if violations:
            raise InvalidRequest(violations)
        return request

    return repaired


def _steps(profile: Profile) -> list[tuple[_Step, bool]]:
    """Steps in their order, and whether they apply. What names tools by their place stands before any is left out."""
    heeds_choice = profile.taken is None or "tool_choice" in profile.taken
    return [
        (_no_tools_where_none_is_chosen, not heeds_choice),
        (_close, profile.closed_messages),
        (_allowed_alone, not profile.knows_allowed_tools),
        (_name_by_word, profile.tool_choice_by_word),
        (_name_limit, profile.limit_name is not None),
        (_leave_out_or_refuse, profile.taken is not None or bool(profile.unheeded)),
        (_check_top_p, profile.lowest_top_p > 0),
        (_text_results, profile.text_tool_results and not profile.closed_messages),
        (_reasoning, profile.reads_reasoning),
    ]


def _no_tools_where_none_is_chosen(request: Json, profile: Profile, violations: list[Violation]) -> None:
    """A server that ignores tool_choice calls no tool if there is none."""
    if request.get("tool_choice") == "none":
        del request["tool_choice"]
        request.pop("tools", None)


def _allowed_alone(request: Json, profile: Profile, violations: list[Violation]) -> None:
    request.update(allowed_alone(request))


def _name_by_word(request: Json, profile: Profile, violations: list[Violation]) -> None:
    choice = request.get("tool_choice")
    if isinstance(choice, dict):
        name = choice["function"]["name"]
        request["tools"] = [tool for tool in request["tools"] if tool["function"]["name"] == name]
        request["tool_choice"] = "required"


def _name_limit(request: Json, profile: Profile, violations: list[Violation]) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        if name != profile.limit_name and name in request:
            request[str(profile.limit_name)] = request.pop(name)


def _leave_out_or_refuse(request: Json, profile: Profile, violations: list[Violation]) -> None:
    for name, value in list(request.items()):
        taken = name not in profile.unheeded and (profile.taken is None or name in profile.taken)
        if _AS_IF_ABSENT.get(name) == value or (name in HARMLESS and not taken):
            del request[name]
        elif not taken:
            violations.append(Violation(name, f"not supported by {profile.vendor}"))


def _check_top_p(request: Json, profile: Profile, violations: list[Violation]) -> None:
    if request.get("top_p", 1) < profile.lowest_top_p:
        violations.append(Violation("top_p", f"must be at least {profile.lowest_top_p} with {profile.vendor}"))


def _close(request: Json, profile: Profile, violations: list[Violation]) -> None:
    request["messages"] = closed_messages(request["messages"], profile.vendor, violations)
    if "tools" in request:
        request["tools"] = closed_tools(request["tools"], profile.vendor, violations)


def _text_results(request: Json, profile: Profile, violations: list[Violation]) -> None:
    request["messages"] = [text_results(message) for message in request["messages"]]


def _reasoning(request: Json, profile: Profile, violations: list[Violation]) -> None:
    request["messages"] = [reasoning_named(message) for message in request["messages"]]
