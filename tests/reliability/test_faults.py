"""The fault table: what an upstream does wrong, what the caller is told at each door, and that all goes on."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from reliability import broken_answers, deadlines, refusals
from reliability.checks import check_failure
from reliability.rig import Rig, settings_of
from reliability.rows import Row
from support.callers import Got, Kind
from support.faulty_upstream import MODEL, TEXTS, faulty_upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

TABLES: Mapping[str, Sequence[Row]] = {
    "no answer": broken_answers.NO_ANSWER,
    "no HTTP": broken_answers.NO_HTTP_ANSWER,
    "a wrong length": broken_answers.WRONG_LENGTH,
    "no right answer": broken_answers.NO_RIGHT_ANSWER,
    "no right stream": broken_answers.NO_RIGHT_STREAM,
    "no harm": broken_answers.HARMLESS,
    "an error": refusals.ONCE_AND_FOR_ALL,
    "an error in a success": refusals.IN_A_SUCCESS,
    "an error for a while": refusals.MENDED,
    "an error for ever": refusals.NEVER_MENDED,
    "the caller's deadline": deadlines.GIVEN_BY_THE_CALLER,
    "the library's deadline": deadlines.GIVEN_BY_THE_CLIENTS_LIBRARY,
}


def each_call(tables: Mapping[str, Sequence[Row]]) -> list[Any]:
    return [
        pytest.param(row, upstream, kind, id=f"{name}: {row.fault}, {upstream}, {kind}")
        for name, table in tables.items()
        for row in table
        for upstream, kind in row.calls()
    ]


@pytest.mark.parametrize(("row", "upstream_kind", "kind"), each_call(TABLES))
async def test_a_fault_is_told_and_leaves_nothing_behind(
    row: Row, upstream_kind: str, kind: Kind, door: str, rig: Rig
) -> None:
    await expect(row, upstream_kind, kind, door, rig)


@pytest.mark.parametrize(
    ("row", "upstream_kind", "kind"), each_call({"the server's deadline": deadlines.GIVEN_BY_THE_SERVER})
)
async def test_the_servers_own_deadline_is_kept(
    row: Row, upstream_kind: str, kind: Kind, door: str, impatient_rig: Rig
) -> None:
    await expect(row, upstream_kind, kind, door, impatient_rig)


async def expect(row: Row, upstream_kind: str, kind: Kind, door: str, rig: Rig) -> None:
    async with (
        faulty_upstream() as upstream,
        rig.before_settings(settings_of(upstream_kind, upstream.url, **row.settings)),
    ):
        upstream.script = row.play
        outcome = await rig.got(door, row.asked(kind))
        await rig.expect_nothing_left(upstream)
        requests = len(upstream.requests)
        check(outcome, row, kind, door)
        assert row.requests in (None, requests)
        await rig.expect_the_next_call_served(door, MODEL, upstream)


def check(outcome: Got, row: Row, kind: Kind, door: str) -> None:
    if row.told is None:
        right = {"unary": ("Hello.",), "stream": row.texts or TEXTS, "embeddings": ("1",)}[kind]
        assert outcome == Got(right, done=True)
        return
    assert (outcome.texts, outcome.done) == (row.texts, False)
    check_failure(outcome.failure, row.told, door, late=bool(row.texts), in_any_words=row.in_any_words)
