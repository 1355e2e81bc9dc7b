"""Path templates as OpenAPI has them: literals and named expressions, each for one segment.

A variable over several segments comes apart: `{name=shelves/*/books/*}` is `shelves/{shelvesId}/books/{booksId}`,
each part named for the collection it stands in. A `**` is one expression, whose value may hold slashes.

Paths that differ in the names of their expressions alone are one path to OpenAPI: their `shape` is the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Final
from urllib.parse import quote

from modelwire_gateway.routing.path_template import PathTemplate, Variable, Wildcard

_EXPRESSION: Final = "{}"
_PCHAR: Final = "-._~!$&'()+,;=@"
_LETTER_FIRST: Final = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Slot:
    """What one expression of a path stands for."""

    name: str
    """A name for it, not used twice in a template."""
    variable: int | None
    """Which of the template's variables it belongs to, if any."""
    pattern: str
    """All that the variable stands for: `*`, `**`, `shelves/*/books/*`."""
    slashes: bool
    """Whether its value may hold slashes, or nothing at all."""

    @property
    def whole(self) -> bool:
        """Whether its value is all of the variable's."""
        return self.variable is not None and self.pattern in ("*", "**")


def shape(template: PathTemplate) -> str:
    """The path without the names of its expressions: `/v1/shelves/{}:close`."""
    segments = (_EXPRESSION if isinstance(part, Wildcard) else quote(part, _PCHAR) for part in template.segments)
    verb = f":{quote(template.verb, _PCHAR)}" if template.verb else ""
    return f"/{'/'.join(segments)}{verb}"


def with_names(shape: str, names: Sequence[str]) -> str:
    """A path whose expressions have these names."""
    pieces = shape.split(_EXPRESSION)
    return pieces[0] + "".join(f"{{{name}}}{piece}" for name, piece in zip(names, pieces[1:], strict=True))


def slots(template: PathTemplate) -> tuple[Slot, ...]:
    """The expressions of a path, in their order."""
    found: list[Slot] = []
    for at, segment in enumerate(template.segments):
        if isinstance(segment, Wildcard):
            index = _variable_at(template, at)
            variable = None if index is None else template.variables[index]
            pattern = str(segment) if variable is None else _pattern(template, variable)
            name = variable.field_path if variable and pattern in ("*", "**") else _collection(template, at)
            taken = [slot.name for slot in found]
            found.append(Slot(_untaken(name, taken), index, pattern, segment is Wildcard.MANY))
    return tuple(found)


def _variable_at(template: PathTemplate, at: int) -> int | None:
    spans = (_span(template, variable) for variable in template.variables)
    return next((index for index, span in enumerate(spans) if at in span), None)


def _span(template: PathTemplate, variable: Variable) -> range:
    total = len(template.segments)
    return range(*(at if at >= 0 else total + 1 + at for at in (variable.start, variable.end)))


def _pattern(template: PathTemplate, variable: Variable) -> str:
    return "/".join(template.segments[at] for at in _span(template, variable))


def _collection(template: PathTemplate, at: int) -> str:
    """A name for what stands at a segment, from the literal before it: `shelvesId`."""
    before = template.segments[at - 1] if at else ""
    word = "" if isinstance(before, Wildcard) else re.sub("[^A-Za-z0-9_]", "", before)
    return f"{word}Id" if _LETTER_FIRST.match(word) else "segment"


def _untaken(name: str, taken: Sequence[str]) -> str:
    numbered = (f"{name}{number}" for number in count(2))
    return next(candidate for candidate in chain([name], numbered) if candidate not in taken)
