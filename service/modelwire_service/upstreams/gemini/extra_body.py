"""extra_body.google: what Gemini has and OpenAI has no word for, spelt as Google's OpenAI endpoint spells it."""

import re
from collections.abc import Iterator
from typing import Any, Final

from modelwire_service.errors import InvalidRequest, Violation
from modelwire_service.upstreams.base import Json

NOT_SUPPORTED: Final = "not supported by Gemini models"
_THINKING: Final = {"thinkingBudget": int, "thinkingLevel": str, "includeThoughts": bool}
_HOW_MUCH: Final = ("thinkingBudget", "thinkingLevel")
_KNOWN: Final = ("cachedContent", "thinkingConfig", "safetySettings")


def google_members(request: Json) -> Json:
    """Those of extra_body.google that are there, by the names of the native API. Raises InvalidRequest for others."""
    google = (request.get("extra_body") or {}).get("google")
    if google is None:
        return {}
    found: Json = _camel(google)
    if violations := list(_violations(found, request)):
        raise InvalidRequest(violations)
    if "thinkingConfig" in found:
        level = found["thinkingConfig"].get("thinkingLevel")
        found["thinkingConfig"] |= {"thinkingLevel": level.upper()} if level else {}
    if "safetySettings" in found:
        found["safetySettings"] = [_camel(setting) for setting in found["safetySettings"]]
    return found


def other_vendors(request: Json) -> Iterator[Violation]:
    """What stands in extra_body beside `google`."""
    return (
        Violation(f"extra_body.{name}", NOT_SUPPORTED) for name in request.get("extra_body") or () if name != "google"
    )


def _violations(google: Any, request: Json) -> Iterator[Violation]:
    path = "extra_body.google"
    if not isinstance(google, dict):
        yield Violation(path, "must be an object")
        return
    yield from (Violation(f"{path}.{_snake(name)}", NOT_SUPPORTED) for name in google if name not in _KNOWN)
    if not isinstance(google.get("cachedContent", ""), str):
        yield Violation(f"{path}.cached_content", "must be a string")
    if not _are_settings(google.get("safetySettings", [])):
        yield Violation(f"{path}.safety_settings", "must be a list of objects with category and threshold")
    if (thinking := google.get("thinkingConfig")) is not None:
        yield from _thinking_violations(thinking, f"{path}.thinking_config", request)


def _thinking_violations(thinking: Any, path: str, request: Json) -> Iterator[Violation]:
    if not isinstance(thinking, dict):
        yield Violation(path, "must be an object")
        return
    for name, value in thinking.items():
        if (kind := _THINKING.get(name)) is None:
            yield Violation(f"{path}.{_snake(name)}", NOT_SUPPORTED)
        elif type(value) is not kind:
            yield Violation(f"{path}.{_snake(name)}", f"must be {_WORDS[kind]}")
        elif name in _HOW_MUCH and "reasoning_effort" in request:
            yield Violation("reasoning_effort", f"excludes {path}.{_snake(name)}")


_WORDS: Final = {int: "an integer", str: "a string", bool: "a boolean"}


def _are_settings(settings: Any) -> bool:
    return isinstance(settings, list) and all(
        isinstance(setting, dict)
        and set(setting) == {"category", "threshold"}
        and all(isinstance(value, str) for value in setting.values())
        for setting in settings
    )


def _camel(value: Any) -> Any:
    """Members by their native names, two levels deep; null ones are absent."""
    if not isinstance(value, dict):
        return value
    told = {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): member for name, member in value.items()}
    return {name: _camel(member) for name, member in told.items() if member is not None}


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)
