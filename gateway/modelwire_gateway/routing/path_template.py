"""Path templates of google.api.http, parsed into a flat form.

The grammar, from google/api/http.proto ("Path template syntax"):

    Template  = "/" [ Segments [ Verb ] ] ;
    Segments  = Segment { "/" Segment } ;
    Segment   = "*" | "**" | LITERAL | Variable ;
    Variable  = "{" FieldPath [ "=" Segments ] "}" ;
    FieldPath = IDENT { "." IDENT } ;
    Verb      = ":" LITERAL ;

"/" alone is a template as well. `**` may stand once and only literals may follow it, a variable holds no
variables, and a colon stands nowhere but before the verb. LITERAL is RFC 3986's pchar without "*" and ":".
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

_LITERAL: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()+,;=@]|%[0-9A-Fa-f]{2})+")
_IDENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Wildcard(StrEnum):
    """A segment that stands for others. To be told by identity: a literal `%2A` equals ONE as text."""

    ONE = "*"
    MANY = "**"


class TemplateError(ValueError):
    """A path template that breaks the grammar, at a column counted from 1."""

    def __init__(self, template: str, column: int, reason: str) -> None:
        super().__init__(f"template {template!r}, column {column}: {reason}")
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Variable:
    """A field that takes the segments [start, end) of a path.

    A position after `**` is negative and counts from the end of the path: -1 is the end itself.
    """

    field_path: str
    start: int
    end: int
    one_segment: bool
    """Whether it always takes exactly one segment; such a value is percent-decoded in full."""


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A parsed template. Literals and the verb are percent-decoded; no verb is an empty one."""

    text: str
    segments: tuple[str, ...]
    verb: str
    variables: tuple[Variable, ...]

    def __str__(self) -> str:
        return self.text


def parse_template(text: str) -> PathTemplate:
    """Parses a path template such as `/v1/{name=shelves/*}:move`; raises TemplateError."""
    return _Parser(text).template()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._segments: list[str] = []
        self._variables: list[Variable] = []
        self._in_variable = False

    def template(self) -> PathTemplate:
        if not self._take("/"):
            raise self._error("a template starts with '/'")
        if self._text != "/":
            self._segments_rule()
        verb = self._verb() if self._take(":") else ""
        if self._at < len(self._text):
            raise self._error(f"{self._text[self._at]!r} is not expected here")
        return PathTemplate(self._text, tuple(self._segments), verb, self._positioned())

    def _segments_rule(self) -> None:
        self._segment()
        while self._take("/"):
            self._segment()

    def _segment(self) -> None:
        if self._text.startswith("{", self._at):
            self._variable()
        elif self._text.startswith("*", self._at):
            self._wildcard()
        else:
            self._segments.append(self._literal("a segment"))

    def _wildcard(self) -> None:
        wildcard = Wildcard.MANY if self._text.startswith("**", self._at) else Wildcard.ONE
        self._add_wildcard(wildcard, self._at)
        self._at += len(wildcard)

    def _variable(self) -> None:
        if self._in_variable:
            raise self._error("a variable cannot hold another")
        opened, start = self._at, len(self._segments)
        self._at += 1
        field_path = self._field_path()
        if any(variable.field_path == field_path for variable in self._variables):
            raise self._error(f"the variable {field_path!r} stands twice", opened)
        self._pattern(opened)
        if not self._take("}"):
            raise self._error("'}' is missing")
        end = len(self._segments)
        one_segment = end - start == 1 and self._segments[start] is not Wildcard.MANY
        self._variables.append(Variable(field_path, start, end, one_segment))

    def _pattern(self, opened: int) -> None:
        """What a variable stands for; without `=` it is `*`."""
        if self._take("="):
            self._in_variable = True
            self._segments_rule()
            self._in_variable = False
        else:
            self._add_wildcard(Wildcard.ONE, opened)

    def _field_path(self) -> str:
        names = [self._ident()]
        while self._take("."):
            names.append(self._ident())
        return ".".join(names)

    def _verb(self) -> str:
        return self._literal("a verb")

    def _ident(self) -> str:
        found = _IDENT.match(self._text, self._at)
        if not found:
            raise self._error("a field name is missing")
        self._at = found.end()
        return found.group()

    def _literal(self, what: str) -> str:
        found = _LITERAL.match(self._text, self._at)
        if not found:
            raise self._error(f"{what} is missing or holds a character that must be percent-encoded")
        try:
            literal = unquote_to_bytes(found.group()).decode("utf-8")
        except UnicodeDecodeError:
            raise self._error("percent-decoded, this is not UTF-8") from None
        self._at = found.end()
        return literal

    def _positioned(self) -> tuple[Variable, ...]:
        """The variables, with positions after `**` counted from the end."""
        total = len(self._segments)
        many = next((at for at, segment in enumerate(self._segments) if segment is Wildcard.MANY), total)

        def position(at: int) -> int:
            return at if at <= many else at - total - 1

        return tuple(Variable(v.field_path, position(v.start), position(v.end), v.one_segment) for v in self._variables)

    def _add_wildcard(self, wildcard: Wildcard, column: int) -> None:
        if any(segment is Wildcard.MANY for segment in self._segments):
            raise self._error("only literals may follow '**'", column)
        self._segments.append(wildcard)

    def _take(self, character: str) -> bool:
        taken = self._text.startswith(character, self._at)
        self._at += taken
        return taken

    def _error(self, reason: str, at: int | None = None) -> TemplateError:
        return TemplateError(self._text, (self._at if at is None else at) + 1, reason)
