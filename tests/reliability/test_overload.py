"""More calls than are taken, by an upstream or by the server: the rest is refused at once, and what runs goes on."""

import asyncio

import pytest
from modelwire_service.dispatch.breaker import FAILURES_IN_A_ROW, FIRST_OPEN_SECONDS
from modelwire_service.dispatch.guard import Guard, Policy
from modelwire_service.model_catalog import ModelCatalog, Served
from reliability.checks import check_failure
from reliability.deadlines import SOON
from reliability.plays import held_until, says, sends, stalls
from reliability.refusals import AWAY, SORRY, error
from reliability.rig import Rig, settings_of
from reliability.rows import ALL, CHAT, QUICK, UNARY, down, overdue, overloaded, timed_out
from support.callers import Asked, Begun, Got, Kind
from support.faulty_upstream import MODEL, FaultyUpstream, faulty_upstream
from support.loopback import Peer
from support.promptness import is_so_at_last

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE_AT_ONCE = {"max_concurrent": 1, "max_queued": 0}
LONG = "x" * 900_000
"""More than sockets hold that nobody reads from."""


async def begun(rig: Rig, door: str, upstream: FaultyUpstream, release: asyncio.Event) -> Begun:
    """A stream that has begun, and ends once it may."""
    upstream.script = held_until(release)
    stream = await rig.caller(door).begin(Asked("stream"))
    assert await stream.text() == "Hel"
    return stream


async def expect_its_end(stream: Begun, release: asyncio.Event) -> None:
    release.set()
    assert await stream.ending() == Got((), done=True)


@pytest.mark.parametrize("kind", ALL)
async def test_what_an_upstream_has_no_place_for_is_refused(kind: Kind, door: str, rig: Rig) -> None:
    release = asyncio.Event()
    async with (
        faulty_upstream() as upstream,
        rig.before_settings(settings_of("openai", upstream.url, **ONE_AT_ONCE)),
    ):
        stream = await begun(rig, door, upstream, release)
        outcome = await rig.got(door, Asked(kind))
        check_failure(outcome.failure, overloaded("the upstream has more calls than it takes"), door)
        await expect_its_end(stream, release)
        await rig.expect_nothing_left(upstream)
        await rig.expect_the_next_call_served(door, MODEL, upstream)


@pytest.mark.parametrize("kind", ALL)
async def test_what_an_upstream_has_no_place_for_goes_to_the_next(kind: Kind, door: str, rig: Rig) -> None:
    release = asyncio.Event()
    async with faulty_upstream() as full, faulty_upstream() as free:
        settings = [
            settings_of("openai", full.url, name="full", **ONE_AT_ONCE),
            settings_of("openai", free.url, name="free", weight=0),
        ]
        async with rig.before_settings(*settings):
            stream = await begun(rig, door, full, release)
            assert (await rig.got(door, Asked(kind))).done
            assert (len(full.requests), len(free.requests)) == (1, 1)
            await expect_its_end(stream, release)
            await rig.expect_nothing_left(full, free)


@pytest.mark.parametrize("kind", ALL)
async def test_what_the_server_has_no_place_for_is_refused(kind: Kind, door: str, full_rig: Rig) -> None:
    release = asyncio.Event()
    async with faulty_upstream() as upstream, full_rig.before_settings(settings_of("openai", upstream.url)):
        stream = await begun(full_rig, door, upstream, release)
        outcome = await full_rig.got(door, Asked(kind))
        check_failure(outcome.failure, overloaded("the server has more calls than it takes"), door)
        assert len(upstream.requests) == 1
        await expect_its_end(stream, release)
        await full_rig.expect_nothing_left(upstream)
        await full_rig.expect_the_next_call_served(door, MODEL, upstream)


@pytest.mark.parametrize("kind", CHAT)
async def test_a_deadline_ends_the_wait_in_a_queue(kind: Kind, door: str, rig: Rig) -> None:
    release = asyncio.Event()
    async with (
        faulty_upstream() as upstream,
        rig.before_settings(settings_of("openai", upstream.url, max_concurrent=1)) as catalog,
    ):
        stream = await begun(rig, door, upstream, release)
        outcome = await rig.got(door, Asked(kind, deadline=SOON))
        check_failure(outcome.failure, overdue(), door, in_any_words=True)
        admission = next(await catalog.resolve(MODEL)).guard.admission
        assert admission is not None
        await is_so_at_last(lambda: admission.waiting == 0)
        assert len(upstream.requests) == 1
        await expect_its_end(stream, release)
        await rig.expect_nothing_left(upstream)
        await rig.expect_the_next_call_served(door, MODEL, upstream)


@pytest.mark.parametrize("kind", ALL)
async def test_an_upstream_that_failed_too_often_is_left_alone_for_a_while(kind: Kind, door: str, rig: Rig) -> None:
    now = 1_000.0
    async with faulty_upstream() as upstream, rig.before_settings(settings_of("openai", upstream.url)) as made:
        guard = Guard(Policy(attempts=1), clock=lambda: now, chance=float)
        await rig.stand_before(ModelCatalog([Served(made.upstreams[0], (MODEL,), guard=guard)]))
        upstream.script = says(AWAY, error())
        for _ in range(FAILURES_IN_A_ROW):
            check_failure((await rig.got(door, Asked(kind))).failure, down(SORRY), door)
        told = overloaded("the upstream is not asked for a while, after failures", FIRST_OPEN_SECONDS / 2)
        check_failure((await rig.got(door, Asked(kind))).failure, told, door)
        assert len(upstream.requests) == FAILURES_IN_A_ROW
        await rig.expect_nothing_left(upstream)
        now += FIRST_OPEN_SECONDS / 2
        await rig.expect_the_next_call_served(door, MODEL, upstream)


@pytest.mark.parametrize("kind", ALL)
async def test_callers_who_leave_do_not_speak_against_an_upstream(kind: Kind, door: str, rig: Rig) -> None:
    async with faulty_upstream() as upstream, rig.before_settings(settings_of("openai", upstream.url)) as catalog:
        upstream.script = sends(then=stalls)
        for count in range(FAILURES_IN_A_ROW + 1):
            call = await rig.caller(door).begin(Asked(kind))
            await is_so_at_last(lambda: len(upstream.requests) == count + 1)  # noqa: B023 - called at once
            await call.leave()
            await rig.expect_nothing_left(upstream)
        assert next(await catalog.resolve(MODEL)).guard.breaker.state == "closed"
        await rig.expect_the_next_call_served(door, MODEL, upstream)


@pytest.mark.parametrize("kind", UNARY)
async def test_a_request_that_the_upstream_leaves_lying_is_given_up(kind: Kind, door: str, rig: Rig) -> None:
    given_up = asyncio.Event()

    async def reads_nothing(peer: Peer) -> None:
        await given_up.wait()
        await peer.gone()

    async with faulty_upstream() as upstream, rig.before_settings(settings_of("openai", upstream.url, **QUICK)):
        upstream.script = reads_nothing
        outcome = await rig.got(door, Asked(kind, text=LONG))
        check_failure(outcome.failure, timed_out("the upstream did not begin to answer within 0.2 s"), door)
        given_up.set()
        await rig.expect_nothing_left(upstream)
        await rig.expect_the_next_call_served(door, MODEL, upstream)
