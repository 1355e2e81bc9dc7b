"""Callers that leave: whatever moment they choose, within 100 ms nothing of their calls is left."""

import asyncio
from collections.abc import Sequence

import pytest
from reliability.leaving import TABLE, Leaving, Scene
from reliability.plays import closes, held_until, stalls
from reliability.rig import Rig, settings_of
from reliability.rows import ALL
from reliability.unreachable import no_room_at
from support.callers import Asked, Kind
from support.faulty_upstream import MODEL, faulty_upstream
from support.promptness import is_so_at_last, is_so_within_100_ms

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAYS: Sequence[tuple[str, bool]] = (
    ("gRPC", False),
    ("REST local", False),
    ("REST local", True),
    ("REST remote", False),
    ("REST remote", True),
)
"""The door, and whether the caller resets its connection; at the gRPC door it cancels its call."""

ways = pytest.mark.parametrize(
    ("door", "rudely"), WAYS, ids=["cancels", "closes", "resets", "closes remote", "resets remote"]
)
PATIENCE = 10.0


@ways
@pytest.mark.parametrize(
    ("row", "upstream_kind", "kind"),
    [
        pytest.param(row, upstream, kind, id=f"{row.when}, {upstream}, {kind}")
        for row in TABLE
        for upstream in row.upstreams
        for kind in row.kinds
    ],
)
async def test_leaving_ends_all_that_is_done_for_the_call(
    row: Leaving, upstream_kind: str, kind: Kind, door: str, rudely: bool, rig: Rig
) -> None:
    waits, reached = asyncio.Event(), asyncio.Event()

    def chance() -> float:
        """Asked for when a call is to be tried again."""
        waits.set()
        return 0.0

    async with faulty_upstream() as upstream:
        settings = settings_of(upstream_kind, upstream.url, **row.settings)
        async with rig.before_settings(settings, source=chance):
            upstream.script = row.play(reached)
            caller, asked = rig.caller(door), Asked(kind)
            begun = await (caller.begin_upload(asked) if row.uploads else caller.begin(asked))
            async with asyncio.timeout(PATIENCE):
                await row.moment(Scene(begun, reached, waits))
            await begun.leave(rudely=rudely)
            await rig.expect_nothing_left(upstream)
            assert row.requests in (None, len(upstream.requests))
            await rig.expect_the_next_call_served(door, MODEL, upstream)


@ways
@pytest.mark.parametrize("kind", ALL)
async def test_leaving_while_a_connection_is_made_ends_the_call(kind: Kind, door: str, rudely: bool, rig: Rig) -> None:
    async with faulty_upstream() as upstream, rig.before_settings(settings_of("openai", upstream.url)):
        await upstream.refuse()
        async with no_room_at(upstream.port):
            begun = await rig.caller(door).begin(Asked(kind))
            await is_so_at_last(lambda: rig.entrance.running == 1)
            await begun.leave(rudely=rudely)
            await rig.expect_nothing_left(upstream)
        await upstream.listen()
        await rig.expect_the_next_call_served(door, MODEL, upstream)


@ways
@pytest.mark.parametrize("kind", ALL)
async def test_leaving_in_a_handshake_ends_the_call(kind: Kind, door: str, rudely: bool, rig: Rig) -> None:
    async with faulty_upstream() as upstream, faulty_upstream() as other:
        upstream.script = closes
        secure = settings_of("openai", upstream.url.replace("http", "https"))
        async with rig.before_settings(secure, settings_of("openai", other.url, name="other", models=["another"])):
            upstream.script = stalls
            begun = await rig.caller(door).begin(Asked(kind))
            await is_so_at_last(lambda: upstream.open == 1)
            await begun.leave(rudely=rudely)
            await rig.expect_nothing_left(upstream, other)
            await rig.expect_the_next_call_served(door, "another", other)


@ways
@pytest.mark.parametrize("kind", ALL)
async def test_leaving_a_queue_gives_the_place_in_it_to_others(kind: Kind, door: str, rudely: bool, rig: Rig) -> None:
    release = asyncio.Event()
    async with faulty_upstream() as upstream:
        settings = settings_of("openai", upstream.url, max_concurrent=1, max_queued=1)
        async with rig.before_settings(settings) as catalog:
            admission = next(await catalog.resolve(MODEL)).guard.admission
            assert admission is not None
            upstream.script = held_until(release)
            caller = rig.caller(door)
            first = await caller.begin(Asked("stream"))
            assert await first.text() == "Hel"
            second = await caller.begin(Asked(kind))
            await is_so_at_last(lambda: admission.waiting == 1)
            await second.leave(rudely=rudely)
            assert await is_so_within_100_ms(lambda: (admission.waiting, rig.entrance.running) == (0, 1))
            third = await caller.begin(Asked("stream"))
            await is_so_at_last(lambda: admission.waiting == 1)
            release.set()
            assert [(await call.ending()).done for call in (first, third)] == [True, True]
            assert len(upstream.requests) == 2
            await rig.expect_nothing_left(upstream)
            await rig.expect_the_next_call_served(door, MODEL, upstream)
