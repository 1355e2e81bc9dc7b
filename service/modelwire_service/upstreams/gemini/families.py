"""What a model's name tells of it: which fields of the API it takes, and how it thinks."""

import re
from dataclasses import dataclass
from typing import Final, Literal

Version = tuple[int, int]

NEWEST: Final[Version] = (1_000, 0)
_NUMBERED: Final = re.compile(r"(gemini|gemma)-(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Family:
    """A line of models and its version. A name without a number, such as `gemini-flash-latest`, is the newest."""

    line: Literal["gemini", "gemma"]
    version: Version
    is_pro: bool

    @property
    def has_system_instruction(self) -> bool:
        return self.line == "gemini"

    @property
    def thinks_by(self) -> Literal["level", "budget"] | None:
        """How much it thinks is told by a level, by a number of tokens, or not at all."""
        if self.version >= ((3, 0) if self.line == "gemini" else (4, 0)):
            return "level"
        return "budget" if self.line == "gemini" and self.version >= (2, 5) else None

    @property
    def has_signatures(self) -> bool:
        """Whether calls have ids and thought signatures, and are refused in a history without signatures."""
        return self.line == "gemini" and self.version >= (3, 0)

    @property
    def has_resolution_of_parts(self) -> bool:
        """Whether each image may have its own resolution; before, there is one for all of a request."""
        return self.line == "gemini" and self.version >= (3, 0)

    @property
    def has_resolution(self) -> bool:
        return self.line == "gemini" and self.version >= (2, 0)

    @property
    def reads_json_schema(self) -> bool:
        """Whether it takes JSON Schema as it is. (Some say from 2.0 on; nobody doubts 2.5.)"""
        return self.line == "gemini" and self.version >= (2, 5)

    @property
    def validates_calls(self) -> bool:
        """Whether it has the mode in which calls follow their schema and yet none is forced."""
        return self.line == "gemini" and self.version >= (2, 5)


def family_of(model: str) -> Family:
    """The family of a model, by its name with or without `models/`."""
    name = model.rpartition("/")[2].lower()
    if (found := _NUMBERED.match(name)) is None:
        return Family("gemma" if name.startswith("gemma") else "gemini", NEWEST, "pro" in name.split("-"))
    line: Literal["gemini", "gemma"] = "gemma" if found[1] == "gemma" else "gemini"
    return Family(line, (int(found[2]), int(found[3] or 0)), "pro" in name.split("-"))
