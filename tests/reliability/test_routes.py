"""Two upstreams that serve one model: what the second makes good, and what it may not."""

import pytest
from reliability.checks import check_failure
from reliability.rig import Rig, settings_of
from reliability.routes import TABLE, Route
from support.callers import Asked, Got, Kind
from support.faulty_upstream import MODEL, TEXTS, FaultyUpstream, faulty_upstream
from support.loopback import Script

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("row", "kind"), [pytest.param(row, kind, id=f"{row.fault}, {kind}") for row in TABLE for kind in row.kinds]
)
async def test_the_next_upstream_is_asked_where_that_is_safe(row: Route, kind: Kind, door: str, rig: Rig) -> None:
    async with faulty_upstream() as first, faulty_upstream() as second:
        settings = [
            settings_of("openai", upstream.url, name=name, weight=weight, **row.settings)
            for name, upstream, weight in (("first", first, 1), ("second", second, 0))
        ]
        async with rig.before_settings(*settings):
            await play(first, row.first)
            await play(second, row.second)
            outcome = await rig.got(door, Asked(kind))
            await rig.expect_nothing_left(first, second)
            requests = len(first.requests), len(second.requests)
            check(outcome, row, kind, door)
            assert requests == row.requests
            for upstream, script in ((first, row.first), (second, row.second)):
                if script is None:
                    await upstream.listen()
            await rig.expect_the_next_call_served(door, MODEL, first, second)


async def play(upstream: FaultyUpstream, script: Script | None) -> None:
    if script is None:
        await upstream.refuse()
    else:
        upstream.script = script


def check(outcome: Got, row: Route, kind: Kind, door: str) -> None:
    if row.told is None:
        assert outcome == Got({"unary": ("Hello.",), "stream": TEXTS, "embeddings": ("1",)}[kind], done=True)
    else:
        assert (outcome.texts, outcome.done) == (row.texts, False)
        check_failure(outcome.failure, row.told, door, late=bool(row.texts))
