"""What an upstream is to do with one request. It travels in the request, as the text of its prompt or input."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Play:
    """An answer of `events` texts of `size` characters, with `pause` seconds before each, the first one included.

    With `gated` all but the first event, or all of an answer that is no stream, waits until the gate is opened. A
    `fault` is one of those of the upstream; in a stream it comes after `after` events.
    """

    events: int = 3
    size: int = 4
    pause: float = 0.0
    gated: bool = False
    fault: str = ""
    after: int = 0

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, body: dict[str, Any]) -> Self:
        """That of an OpenAI request."""
        text = body["messages"][-1]["content"] if "messages" in body else body["input"]
        return cls(**json.loads(text if isinstance(text, str) else text[0]))
