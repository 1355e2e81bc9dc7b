"""How several workers end: together, one alone, or without the one that keeps them."""

import asyncio
import os
import signal

from support.crews import PATIENCE, Crew, begun_crew, is_gone, models_over_rest, running_crew
from support.scripted_upstream import ScriptedUpstream
from support.streams import Stream, begun, gated

STREAMS = ["REST", "gRPC"] * 8
"""Enough for all workers to have some."""


async def taken_by(crew: Crew, name: str) -> set[int]:
    """The workers that take a few new connections."""
    numbers = range(8)
    await asyncio.gather(*(models_over_rest(crew, f"{name}-{number}") for number in numbers), return_exceptions=True)
    calls = [line for line in crew.log if line["event"] == "call" and line["id"].startswith(f"{name}-")]
    return {line["worker"] for line in calls if line["status"] == "OK"} if len(calls) == len(numbers) else set()


async def test_all_streams_of_all_workers_finish(upstream: ScriptedUpstream) -> None:
    gate = gated(upstream)
    async with running_crew("--no-usage", OPENAI_BASE_URL=upstream.url) as crew:
        streams = [Stream(crew, door) for door in STREAMS]
        assert await begun(streams) == streams
        crew.process.send_signal(signal.SIGTERM)
        for worker in crew.pids:
            await crew.logged("draining", worker=worker)
        gate.set()
        assert all(await asyncio.gather(*(stream.whole() for stream in streams)))
        assert await crew.ends() == 0
    assert {line["worker"] for line in crew.log if line["event"] == "call"} == set(crew.pids)


async def test_a_second_signal_ends_all_at_once(upstream: ScriptedUpstream) -> None:
    gated(upstream)
    async with running_crew("--no-usage", OPENAI_BASE_URL=upstream.url) as crew:
        streams = await begun([Stream(crew, door) for door in STREAMS])
        crew.process.send_signal(signal.SIGTERM)
        await crew.logged("draining")
        crew.process.send_signal(signal.SIGTERM)
        assert await crew.ends() == 128 + signal.SIGTERM
        assert not any(await asyncio.gather(*(stream.whole() for stream in streams)))


async def test_when_the_one_that_keeps_them_is_killed_no_worker_is_left(upstream: ScriptedUpstream) -> None:
    gated(upstream)
    async with running_crew("--no-usage", OPENAI_BASE_URL=upstream.url) as crew:
        await begun([Stream(crew, door) for door in STREAMS])
        crew.process.kill()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(is_gone(pid) for pid in crew.pids.values()))


async def test_a_worker_that_drains_leaves_new_connections_to_the_others(upstream: ScriptedUpstream) -> None:
    gate = gated(upstream)
    async with running_crew("--no-usage", OPENAI_BASE_URL=upstream.url) as crew:
        streams = await begun([Stream(crew, door) for door in STREAMS])
        os.kill(crew.pids[1], signal.SIGTERM)
        await crew.logged("draining", worker=1)
        tries = 0
        async with asyncio.timeout(PATIENCE):
            while await taken_by(crew, f"try{tries}") != {2}:
                tries += 1
        gate.set()
        assert all(await asyncio.gather(*(stream.whole() for stream in streams)))
        await crew.logged("worker ended and is started again", worker=1, status=0)
        await crew.logged("worker serves", count=2, worker=1)


async def test_a_signal_before_they_serve_ends_them_well(upstream: ScriptedUpstream) -> None:
    ports = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
    async with begun_crew(*ports, "--no-usage", OPENAI_BASE_URL=upstream.url) as crew:
        await crew.logged("worker serves")
        crew.process.send_signal(signal.SIGINT)
        assert await crew.ends() == 0
