"""The embedded chat model's process is killed: calls in flight are told, and the next one starts it again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from modelwire_service.model_catalog import ModelCatalog, Served
from modelwire_service.upstreams.embedded.adapter import CHAT_MODEL, EMBEDDING_MODEL, EmbeddedUpstream
from reliability.rig import Rig
from support.callers import PATIENCE, Asked, Failure, Got, Kind

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENDLESS = {"max_tokens": 512, "logit_bias": {"2": -100}}
"""2 is the token that ends replies."""
BY_THEN_THE_NEXT_ONES_WAIT = 10  # texts


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def embedded() -> AsyncIterator[EmbeddedUpstream]:
    upstream = EmbeddedUpstream()
    await upstream.start()
    yield upstream
    await upstream.close()


@pytest_asyncio.fixture(loop_scope="session")
async def embedded_rig(rig: Rig, embedded: EmbeddedUpstream) -> Rig:
    """The server before the embedded models."""
    await rig.stand_before(ModelCatalog([Served(embedded)]))
    return rig


def chat(kind: Kind = "unary", **members: object) -> Asked:
    return Asked(kind, CHAT_MODEL.id, members={"max_tokens": 2} | members)


async def killed(upstream: EmbeddedUpstream) -> int:
    """The process that was; it has ended."""
    process, ended, loop = upstream.chat_process_id, asyncio.Event(), asyncio.get_running_loop()
    assert process is not None
    descriptor = os.pidfd_open(process)
    loop.add_reader(descriptor, ended.set)
    os.kill(process, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        await ended.wait()
    loop.remove_reader(descriptor)
    os.close(descriptor)
    return process


async def expect_the_next_call_served(rig: Rig, door: str, embedded: EmbeddedUpstream, before: int) -> None:
    """By another process."""
    assert (await rig.got(door, chat())).done
    assert embedded.chat_process_id not in (None, before)
    assert rig.entrance.running == 0


def check_told(outcome: Got) -> None:
    failure = outcome.failure
    assert isinstance(failure, Failure)
    assert not outcome.done
    assert failure.code == "UNAVAILABLE"
    assert failure.reason in ("UPSTREAM_UNAVAILABLE", "UPSTREAM_PROTOCOL_ERROR")
    assert failure.message.startswith(("the connection to the upstream broke", "the upstream's stream ended"))
    assert "127.0.0.1" not in failure.message


async def test_idle_and_the_next_calls_are_answered(door: str, embedded_rig: Rig, embedded: EmbeddedUpstream) -> None:
    process = await killed(embedded)
    asked = [chat("unary"), chat("stream"), Asked("embeddings", EMBEDDING_MODEL.id)]
    outcomes = await asyncio.gather(*(embedded_rig.got(door, each) for each in asked))
    assert [outcome.done for outcome in outcomes] == [True, True, True]
    await expect_the_next_call_served(embedded_rig, door, embedded, process)


async def test_in_the_middle_of_a_stream_and_while_others_wait_or_leave(
    door: str, embedded_rig: Rig, embedded: EmbeddedUpstream
) -> None:
    caller = embedded_rig.caller(door)
    running = await caller.begin(chat("stream", **ENDLESS))
    await running.text()
    *waiting, leaving = [await caller.begin(chat(kind, **ENDLESS)) for kind in ("unary", "stream", "unary")]
    for _ in range(BY_THEN_THE_NEXT_ONES_WAIT):
        await running.text()
    process = await killed(embedded)
    await leaving.leave()
    for call in (running, *waiting):
        check_told(await call.ending())
    await expect_the_next_call_served(embedded_rig, door, embedded, process)
