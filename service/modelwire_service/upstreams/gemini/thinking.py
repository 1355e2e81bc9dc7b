"""reasoning_effort, as the thinkingConfig of a model's family."""

from collections.abc import Mapping
from typing import Final, TypeVar

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import Family

Value = TypeVar("Value")

# Those of Google's own OpenAI endpoint. Smaller ones that others chose cut answers short that Google's do not.
_BUDGETS: Final[Mapping[str, int]] = {"none": 0, "minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576}
_LEVELS: Final[Mapping[str, str]] = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "XHIGH",  # only the newest models have it, and they judge
}
_OF_PRO: Final = {"minimal": "LOW"}  # as Google's endpoint has it
_OF_FIRST_PRO: Final = {"minimal": "LOW", "medium": "HIGH"}  # Gemini 3 Pro has two levels


def thinking_config(effort: str, family: Family) -> Json:
    """The thinkingConfig that asks for an effort, empty where there is nothing to ask for.

    Thoughts are not asked for: Google's endpoint does not show them either, and who wants them says so in
    extra_body.google.thinking_config. Raises InvalidRequest for what the model cannot do; to think more, or
    less, than was asked for would change the answer and the bill.
    """
    if family.thinks_by is None:
        if effort != "none":
            raise InvalidRequest.of("reasoning_effort", "not supported by this Gemini model, which does not think")
        return {}
    if effort == "none" and (family.thinks_by == "level" or family.is_pro):
        raise InvalidRequest.of("reasoning_effort", "must not be none: this Gemini model always thinks")
    if family.thinks_by == "budget":
        return {"thinkingBudget": _looked_up(effort, _BUDGETS)}
    return {"thinkingLevel": _looked_up(effort, {**_LEVELS, **_levels_of_pro(family)})}


def _levels_of_pro(family: Family) -> Mapping[str, str]:
    if not family.is_pro:
        return {}
    return _OF_FIRST_PRO if family.version == (3, 0) else _OF_PRO


def _looked_up(effort: str, table: Mapping[str, Value]) -> Value:
    if effort not in table:
        raise InvalidRequest.of("reasoning_effort", f"must be one of {', '.join(table)} for this Gemini model")
    return table[effort]
