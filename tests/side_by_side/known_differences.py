"""The table of what Envoy and modelwire do differently: how to know each difference when it is seen, and why it is.

docs/envoy.md shows this table to people.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from side_by_side.comparison import Difference, Pair
from side_by_side.exchange import Request


@dataclass(frozen=True, slots=True)
class Sign:
    """What a difference looks like: all that is given must hold. Texts are regular expressions, `what` of the whole."""

    what: str = "status"
    statuses: tuple[int, int] | None = None
    """Envoy's and ours."""
    method: str = ""
    target: str = ""
    headers: str = ""
    """Of lines such as `name: value`."""
    body: str = ""

    def fits(self, pair: Pair, difference: Difference) -> bool:
        return (
            bool(re.fullmatch(self.what, difference.what))
            and self.statuses in (None, (pair.envoy.status, pair.ours.status))
            and self._fits_request(pair.request)
        )

    def _fits_request(self, request: Request) -> bool:
        lines = "\n".join(f"{name}: {value}" for name, value in request.headers)
        return (
            self.method in ("", request.method)
            and bool(re.search(self.target, request.target))
            and bool(re.search(self.headers, lines))
            and bool(re.search(self.body, (request.body or b"").decode("latin-1")))
        )


@dataclass(frozen=True, slots=True)
class Known:
    """One difference, in words, and its signs. `option` is what of GatewayOptions ends it, if anything does."""

    title: str
    envoy: str
    ours: str
    reason: str
    signs: tuple[Sign, ...]
    option: str = ""
    of_form: bool = False
    """Whether it is about the form of all answers, and no reason to say that two of them are not alike."""

    def explains(self, pair: Pair, difference: Difference) -> bool:
        return any(sign.fits(pair, difference) for sign in self.signs)


def lenient(*signs: tuple[str, str]) -> tuple[Sign, ...]:
    """Signs of what Envoy takes and we refuse, by (target, body)."""
    return tuple(Sign(statuses=(200, 400), target=target, body=body) for target, body in signs)


def is_alike(found: Iterable[Known]) -> bool:
    """Whether two answers with these differences come to the same."""
    return all(known.of_form for known in found)


def table(rows: Iterable[Known]) -> str:
    """The rows as they stand in the document."""
    cells = (
        (row.title, row.envoy, row.ours, row.reason + (f" Option: `{row.option}`." if row.option else ""))
        for row in rows
    )
    return markdown(("What", "Envoy", "modelwire", "Why"), cells)


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in markdown."""
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
