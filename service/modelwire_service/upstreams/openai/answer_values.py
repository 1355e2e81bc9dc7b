"""The values in answers of OpenAI-compatible servers, made those of OpenAI's types.

Callers' clients trust types: another one fails far from here, or worse does not. A value that can mean but one thing is
given its type. Any other is the upstream's error, told with its place, where it is part of what was said. What
only stands around that (ids, names of servers, figures) counts as left out instead: no reply is worth less without.

| came | goes out |
| --- | --- |
| content, refusal or reasoning_content as a list of texts or of parts with texts | one text |
| content with parts of type `thinking` (Mistral) | their texts as reasoning_content |
| an index as a text or a float | the number |
| an index left out or null | the first number that is free |
| one index for several choices of a whole answer | the places of all choices |
| a call's arguments as an object | its JSON text |
| a whole call's arguments left out, null or empty | `{}` |
| a call's id as a number | its text; any other that is no text: one made here |
| a call of any type, or none, that has a function | type `function` |
| logprobs that are empty; bytes that are none | null |
| a logprob as a text; null | the number; -9999.0, as OpenAI says for the unlikely |
| a count of tokens as a text or a float; one that is none, or negative | the number; 0 |
| total_tokens left out | the sum of the two others |
| a usage without any count | none |
| system_fingerprint, service_tier or native_finish_reason as a number; as anything else | its text; null |
| content, arguments, names, choices and so on of any other type | UpstreamProtocolError |

Values are changed in place: the JSON was just read, and is nobody else's. What is as it should be costs one look a
value.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from modelwire_service.upstreams.answer_json import malformed, settle_indexes
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai.call_values import settle_calls, settle_function
from modelwire_service.upstreams.openai.figures import settled_logprobs, settled_usage

_SAID: Final[Mapping[str, type]] = {
    "content": str, "refusal": str, "reasoning_content": str, "tool_calls": list, "function_call": dict,
    "annotations": list, "images": list, "audio": dict, "extra_content": dict,
}  # fmt: skip
_WANTED: Final[Mapping[type, str]] = {str: "a text", list: "a list", dict: "an object"}


def settled_choices(answer: Json, said: Literal["message", "delta"]) -> list[Json]:
    """The choices of a completion ("message") or of a chunk ("delta"), when all its values have their types.

    Each choice has an index then. No choices, or null, is a list of none. Raises UpstreamProtocolError for values
    that nobody can read.
    """
    _settle_texts(answer, ("system_fingerprint", "service_tier"))
    if answer.get("usage") is not None:
        answer["usage"] = settled_usage(answer["usage"])
    choices = answer.get("choices")
    if choices is None:
        return []
    if not isinstance(choices, list):
        raise malformed("choices", "a list")
    for position, choice in enumerate(choices):
        _settle_choice(choice, said, position)
    settle_indexes(choices, whole=said == "message")
    return choices


def text_of(value: Any, where: str) -> str | None:
    """A text that may have come in parts. Raises UpstreamProtocolError for what is neither null nor texts."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise malformed(where, "a text")
    return "".join([_text_of_part(part, f"{where}[{at}]") for at, part in enumerate(value)]) or None


def _settle_choice(choice: Any, said: str, position: int) -> None:
    if type(choice) is not dict:
        raise malformed(f"choices[{position}]", "an object")
    part = choice.get(said)
    if type(part) is dict:
        _settle_said(part, said, position)
    elif part is not None:
        raise malformed(f"choices[{position}].{said}", "an object")
    if choice.get("logprobs") is not None:
        choice["logprobs"] = settled_logprobs(choice["logprobs"], f"choices[{position}].logprobs")
    if "native_finish_reason" in choice:
        _settle_texts(choice, ("native_finish_reason",))
    if "extra_content" in choice:
        _check(choice, {"extra_content": dict}, f"choices[{position}]")


def _settle_said(part: Json, said: str, position: int) -> None:
    for name, value in part.items():
        if value is not None and name in _SAID and type(value) is not _SAID[name]:
            _join_texts(part, f"choices[{position}].{said}")
            _check(part, _SAID, f"choices[{position}].{said}")
            break
    if calls := part.get("tool_calls"):
        settle_calls(calls, f"choices[{position}].{said}.tool_calls", whole=said == "message")
    if function := part.get("function_call"):
        settle_function(function, f"choices[{position}].{said}.function_call", whole=said == "message")


def _settle_texts(members: Json, names: tuple[str, ...]) -> None:
    for name in names:
        value = members.get(name)
        if value is not None and type(value) is not str:
            members[name] = str(value) if type(value) is int else None


def _check(members: Json, types: Mapping[str, type], where: str) -> None:
    for name, wanted in types.items():
        value = members.get(name)
        if value is not None and type(value) is not wanted:
            raise malformed(f"{where}.{name}", _WANTED[wanted])


def _join_texts(said: Json, where: str) -> None:
    if isinstance(content := said.get("content"), list):
        said["content"] = text_of([part for part in content if not _is_thought(part)], f"{where}.content")
        if thoughts := [part.get("thinking") for part in content if _is_thought(part)]:
            beside = [said.get("reasoning_content"), *thoughts]
            told = [text_of(thought, f"{where}.reasoning_content") for thought in beside]
            said["reasoning_content"] = "".join([text for text in told if text])
    for name in ("content", "refusal", "reasoning_content"):
        if name in said:
            said[name] = text_of(said[name], f"{where}.{name}")


def _is_thought(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "thinking"


def _text_of_part(part: Any, where: str) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    if not isinstance(text, str):
        raise malformed(where, "a text")
    return text
