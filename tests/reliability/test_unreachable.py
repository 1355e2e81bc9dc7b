"""Upstreams to which there is no way: what the caller is told, and that others are reached as before."""

from pathlib import Path

import pytest
from reliability.checks import check_failure
from reliability.rig import Rig, settings_of
from reliability.unreachable import TABLE, Unreachable
from support.callers import Asked, Kind
from support.faulty_upstream import MODEL, faulty_upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("row", "kind"), [pytest.param(row, kind, id=f"{row.fault}, {kind}") for row in TABLE for kind in row.kinds]
)
async def test_it_is_told_and_another_upstream_is_reached(
    row: Unreachable, kind: Kind, door: str, rig: Rig, tmp_path: Path
) -> None:
    async with row.way(tmp_path) as settings, faulty_upstream() as other:
        unreachable = settings_of("openai", "", **row.settings, **settings)
        async with rig.before_settings(unreachable, settings_of("openai", other.url, name="other", models=["another"])):
            outcome = await rig.got(door, Asked(kind))
            await rig.expect_nothing_left(other)
            check_failure(outcome.failure, row.told, door)
            await rig.expect_the_next_call_served(door, "another", other)


async def test_an_upstream_that_refused_is_asked_again_once_it_listens(door: str, rig: Rig) -> None:
    async with faulty_upstream() as upstream, rig.before_settings(settings_of("openai", upstream.url)):
        await upstream.refuse()
        assert (await rig.got(door, Asked())).failure is not None
        await upstream.listen()
        await rig.expect_the_next_call_served(door, MODEL, upstream)
