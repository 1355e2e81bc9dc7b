"""What one connection sends, and how it ends: all that is needed to send it again."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

from fuzz.corpora import Corpus
from fuzz.mutations import mutated, scrambled
from fuzz.requests import Request, encoded

Ending = Literal["wait", "half-close", "close", "reset"]

LAST_ID: Final = "the-last-one"
"""The id that the last request of a certain plan asks to be known by."""

_ENDINGS: Final[tuple[Ending, ...]] = ("half-close", "close", "reset")


@dataclass(frozen=True, slots=True)
class Plan:
    """`pieces` are sent one after the other. With the ending `wait`, the server is to close the connection."""

    pieces: tuple[bytes, ...]
    ending: Ending
    methods: tuple[str, ...] | None
    """The methods of the requests, where it is certain what the bytes mean; the last one asks to close."""

    @property
    def sent(self) -> bytes:
        return b"".join(self.pieces)

    def save(self, path: Path, **more: object) -> None:
        """As JSON, one character a byte."""
        pieces = [piece.decode("latin-1") for piece in self.pieces]
        told = {**more, "ending": self.ending, "methods": self.methods, "pieces": pieces}
        path.write_text(json.dumps(told, indent=1))

    @classmethod
    def load(cls, path: Path) -> "Plan":
        told: dict[str, Any] = json.loads(path.read_text())
        pieces = tuple(piece.encode("latin-1") for piece in told["pieces"])
        return cls(pieces, told["ending"], told["methods"] and tuple(told["methods"]))


def make_plan(corpus: Corpus, last_path: str, random: Random) -> Plan:
    """A plan at random. Requests whose ends are certain are followed by one for `last_path` that asks to close."""
    kind = random.random()
    if kind < 0.03:
        noise = random.randbytes(random.choice((1, 10, 500, 70_000)))
        return Plan(_pieces(noise, random), "half-close", None)
    requests = [mutated(corpus(random), random) for _ in range(random.choice((1, 1, 2, 4)))]
    sent = b"".join(encoded(request, random) for request in requests)
    if kind < 0.2:
        return Plan(_pieces(_spoilt(sent, random), random), random.choice(_ENDINGS), None)
    if any(request.uncertain for request in requests):
        return Plan(_pieces(sent, random), "half-close", None)
    return Plan(_pieces(sent + _last(last_path), random), "wait", (*map(_method, requests), "GET"))


def orderly_plan(last_path: str) -> Plan:
    """One request, in order."""
    return Plan((_last(last_path),), "wait", ("GET",))


def _last(path: str) -> bytes:
    headers = ((b"x-request-id", LAST_ID.encode()), (b"connection", b"close"))
    return encoded(Request(b"GET", path.encode(), headers), Random())


def _spoilt(sent: bytes, random: Random) -> bytes:
    """Mutated or cut off, head and framing included."""
    return scrambled(sent, random) if random.random() < 0.6 else sent[: random.randint(1, len(sent))]


def _pieces(data: bytes, random: Random) -> tuple[bytes, ...]:
    """`data`, mostly whole, else cut at a few random places."""
    if random.random() < 0.7:
        return (data,)
    cuts = sorted(random.randint(0, len(data)) for _ in range(random.choice((1, 2, 8))))
    bounds = zip([0, *cuts], [*cuts, len(data)], strict=True)
    return tuple(data[start:end] for start, end in bounds if start < end)


def _method(request: Request) -> str:
    return request.method.decode()
