"""A conversation in OpenAI's messages, as Gemini's systemInstruction and contents.

Theory of operation. Each message becomes a turn of `user` or `model`. A turn with calls opens a turn of results right
behind it, which results are put into wherever in the conversation they come: Gemini wants them there, all in one
content, and before anything else is said. Turns are merged at the end, when it is known which of them are empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import Family
from modelwire_service.upstreams.gemini.parts import PartReader
from modelwire_service.upstreams.gemini.signatures import signature_of
from modelwire_service.upstreams.gemini.tool_turns import call_parts, result_part

# Gemini refuses contents, turns and texts that are empty; of what it takes, a blank says the least.
_BLANK: Json = {"text": " "}


def conversation(messages: list[Json], family: Family, reader: PartReader) -> Json:
    """The members `systemInstruction` (where there is one) and `contents` of a request."""
    system: list[Json] = []
    turns = _Turns(family)
    for at, message in enumerate(messages):
        path = f"messages[{at}]"
        match message["role"]:
            # Wherever they stand: refusing later ones, or keeping the last, would lose what callers said. Each stays
            # a part of its own, because a separator would be ours.
            case "system" | "developer":
                system += reader.parts(message["content"], f"{path}.content")
            case "user":
                turns.say("user", reader.parts(message["content"], f"{path}.content") or [_BLANK])
            case "assistant":
                turns.answer(message, _answer_parts(message, path, family, reader), call_parts(message, path, family))
            case _:
                turns.result(message)
    return _told(system, turns.contents(), family)


def _told(system: list[Json], contents: list[Json], family: Family) -> Json:
    if system and not family.has_system_instruction:
        # Gemma answers 400 to a systemInstruction; what it should heed stands before what it is asked.
        return {"contents": _opened_by(system, contents)}
    contents = contents or [{"role": "user", "parts": [_BLANK]}]
    return {"systemInstruction": {"parts": system}, "contents": contents} if system else {"contents": contents}


def _opened_by(parts: list[Json], contents: list[Json]) -> list[Json]:
    if contents and contents[0]["role"] == "user":
        return [{"role": "user", "parts": [*parts, *contents[0]["parts"]]}, *contents[1:]]
    return [{"role": "user", "parts": parts}, *contents]


def _answer_parts(message: Json, path: str, family: Family, reader: PartReader) -> list[Json]:
    """What an assistant message says beside its calls: thoughts, text, images."""
    parts = reader.parts(message.get("content"), f"{path}.content")
    if refusal := message.get("refusal"):
        parts.append({"text": refusal})
    if message.get("images"):
        parts += _images_it_made(message, path, reader)
    if "extra_content" in message and (signature := signature_of(message)) is not None:
        # Of text, the last part is signed, be it an empty one: signatures come there in streams.
        if not parts:
            parts.append({"text": ""})
        parts[-1] = parts[-1] | {"thoughtSignature": signature}
    thoughts = message.get("reasoning_content")
    if isinstance(thoughts, str) and thoughts and family.thinks_by is not None:
        parts.insert(0, {"text": thoughts, "thought": True})
    return parts


def _images_it_made(message: Json, path: str, reader: PartReader) -> Iterator[Json]:
    """The images of an earlier answer, in the member answers have them in; nobody has checked its shape."""
    images = message["images"]
    for at, item in enumerate(images if isinstance(images, list) else ()):
        image = item.get("image_url") if isinstance(item, dict) else None
        if isinstance(image, dict) and isinstance(image.get("url"), str):
            yield reader.image(image, f"{path}.images[{at}].image_url")


@dataclass(slots=True)
class _Turn:
    role: str
    parts: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class _Results:
    """The turn behind a turn with calls: parts, each after the place of its call."""

    parts: list[tuple[int, Json]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    place: int
    results: _Results


class _Turns:
    def __init__(self, family: Family) -> None:
        self._family = family
        self._turns: list[_Turn | _Results] = []
        self._calls: dict[str, _Call] = {}  # by id; where a later call has the id of an earlier one, it is meant

    def say(self, role: str, parts: list[Json]) -> None:
        self._turns.append(_Turn(role, parts))

    def answer(self, message: Json, said: list[Json], calls: list[Json]) -> None:
        self.say("model", [*said, *calls] or [_BLANK])
        if not calls:
            return
        results = _Results()
        for place, call in enumerate(message.get("tool_calls") or ()):
            self._calls[call["id"]] = _Call(call["function"]["name"], place, results)
        if (call := message.get("function_call")) and not message.get("tool_calls"):
            self._calls[_by_name(call["name"])] = _Call(call["name"], 0, results)
        self._turns.append(results)

    def result(self, message: Json) -> None:
        """A message of role `tool`, or of the older `function`."""
        call_id = message.get("tool_call_id")
        call = self._calls.get(call_id if call_id is not None else _by_name(message["name"]))
        if call is None:  # of a `function` nobody called
            call = _Call(message["name"], 0, _Results())
            self._turns.append(call.results)
        told = call_id if self._family.has_signatures else None
        call.results.parts.append((call.place, result_part(call.name, message.get("content"), told)))

    def contents(self) -> list[Json]:
        """The turns, those of one role merged: Gemma and older models want the roles to alternate.

        Results stay alone, because Gemini counts them against the calls before.
        """
        contents: list[Json] = []
        mergeable = False
        for turn in self._turns:
            if isinstance(turn, _Results):
                if turn.parts:
                    ordered = sorted(turn.parts, key=lambda placed: placed[0])
                    contents.append({"role": "user", "parts": [part for _, part in ordered]})
                    mergeable = False
            elif mergeable and contents[-1]["role"] == turn.role:
                contents[-1]["parts"].extend(turn.parts)
            else:
                contents.append({"role": turn.role, "parts": list(turn.parts)})
                mergeable = True
        return contents


def _by_name(name: str) -> str:
    """The key of a call without an id; no id has a line break in front."""
    return f"\n{name}"
