"""From a message to a JSON object, field by field.

A table has, by the name of each field, what puts it into the object: as it is, under another name, by way of a
conversion. Conversions are called with the value, the path to it, and the texts of the request, whose report takes
what is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from modelwire_service.typed.json_texts import Texts
from modelwire_service.upstreams.base import Json
from modelwire_service.validation.report import Path

Put = Callable[[Json, str, Any, Path, Texts], None]
Convert = Callable[[Any, Path, Texts], Any]
Fields = Mapping[str, Put]

EXTRA: Final = "extra_fields_json"


def put_all(out: Json, given: Json, path: Path, texts: Texts, fields: Fields) -> Json:
    """Puts every field of the message `given`, which stands at `path`, into `out`, and returns that."""
    for name, value in given.items():
        fields[name](out, name, value, path, texts)
    return out


def same(out: Json, name: str, value: Any, path: Path, texts: Texts) -> None:
    """Puts the field as it is."""
    out[name] = value


def made(convert: Convert, name: str = "") -> Put:
    """Puts what `convert` makes of the field, under another name if one is given."""

    def put(out: Json, own: str, value: Any, path: Path, texts: Texts) -> None:
        out[name or own] = convert(value, (*path, own), texts)

    return put


def renamed(name: str) -> Put:
    """Puts the field as it is, under another name."""

    def put(out: Json, own: str, value: Any, path: Path, texts: Texts) -> None:
        out[name] = value

    return put


def word_of(words: Mapping[str, str]) -> Convert:
    """From the value of an enum to its word; values without one are refused."""
    reason = f"must be one of {', '.join(words)}"

    def convert(value: Any, path: Path, texts: Texts) -> str | None:
        if (word := words.get(value)) is None:
            texts.report.add(path, f"{reason}, not {value}")
        return word

    return convert


def each(convert: Convert) -> Convert:
    """Converts every item of a list."""
    return lambda items, path, texts: [convert(item, (*path, at), texts) for at, item in enumerate(items)]


def object_of(fields: Fields, **members: Any) -> Convert:
    """Converts a message by its table; `members` stand before its fields."""
    return lambda given, path, texts: put_all(dict(members), given, path, texts, fields)


def one_of(options: Mapping[str, Convert]) -> Convert:
    """Converts the one member of a oneof that a message has; a message without one is refused."""
    reason = f"requires {_listed(list(options))}"

    def convert(given: Json, path: Path, texts: Texts) -> Any:
        for name, value in given.items():
            if (chosen := options.get(name)) is not None:
                return chosen(value, (*path, name), texts)
        texts.report.add(path, reason)
        return None

    return convert


def json_object(value: str, path: Path, texts: Texts) -> Any:
    """A conversion: the object a JSON text says."""
    return texts.object(value, path)


def json_members(value: dict[str, str], path: Path, texts: Texts) -> Json:
    """A conversion: the members that JSON texts say, by name."""
    return texts.members(value, path)


def extra(declared: frozenset[str]) -> Put:
    """Puts members that no field declares. One that a field does, or what is made of one, is refused."""

    def put(out: Json, own: str, value: dict[str, str], path: Path, texts: Texts) -> None:
        for name, text in value.items():
            here = (*path, own, name)
            if name in declared:
                texts.report.add(here, "has a field of its own, or an RPC, and is not taken here")
            elif name == "extra_content" and name in out:
                out[name] = _merged(texts.object(text, here), out[name])
            else:
                out[name] = texts.value(text, here)

    return put


def signature(out: Json, name: str, value: str, path: Path, texts: Texts) -> None:
    """Puts a thought signature where Google's own OpenAI endpoint has it."""
    out["extra_content"] = _merged(out.get("extra_content"), {"google": {"thought_signature": value}})


def _merged(some: Any, more: Json) -> Json:
    """Two objects as one, and so the objects within."""
    if not isinstance(some, dict):
        return more
    return some | {
        name: _merged(some.get(name), value) if isinstance(value, dict) else value for name, value in more.items()
    }


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"
