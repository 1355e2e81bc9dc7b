"""Several workers behind the same doors."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from support.crews import WORKERS, Crew, models_over_grpc, models_over_rest, running_crew
from support.guarded import database_in, rows_of_usage
from support.scripted_upstream import ScriptedUpstream

MOST_CONNECTIONS = 64
"""After so many of them one of two workers has been left out once in 10^19 times."""

Call = Callable[[Crew, str], Awaitable[object]]
DOORS: dict[str, Call] = {"REST": models_over_rest, "gRPC": models_over_grpc}


async def answered_by(crew: Crew, name: str, call: Call) -> int:
    """The number of the worker that served a call."""
    await call(crew, name)
    number: int = (await crew.logged("call", id=name))["worker"]
    return number


async def all_answer(crew: Crew, name: str, call: Call) -> None:
    """Calls on ever new connections until each worker has served one."""
    seen: set[int] = set()
    for number in range(MOST_CONNECTIONS):
        seen.add(await answered_by(crew, f"{name}-{number}", call))
        if len(seen) == WORKERS:
            return
    raise AssertionError(f"only {seen} ever answered")


async def test_all_workers_serve_both_doors_and_lose_no_usage(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    options = ("--database", database_in(tmp_path))
    async with running_crew(*options, OPENAI_BASE_URL=upstream.url) as crew:
        assert [line.split()[0] for line in crew.printed] == ["workers", "upstream", "grpc", "http", "try"]
        assert crew.printed[0] == f"workers  {WORKERS}"
        for door, call in DOORS.items():
            await all_answer(crew, door, call)
        await asyncio.gather(*(models_over_rest(crew, f"many-{number}") for number in range(100)))
        crew.process.send_signal(signal.SIGTERM)
        assert await crew.ends() == 0
    called = {line["id"] for line in crew.log if line["event"] == "call"}
    assert len(called) >= 100 + 2 * WORKERS
    assert rows_of_usage(tmp_path).keys() == called


async def test_a_killed_worker_is_replaced_and_calls_go_on(upstream: ScriptedUpstream) -> None:
    async with running_crew("--no-usage", OPENAI_BASE_URL=upstream.url) as crew:
        old = crew.pids[1]
        os.kill(old, signal.SIGKILL)
        ended = await crew.logged("worker ended and is started again", worker=1)
        assert (ended["pid"], ended["status"]) == (old, -signal.SIGKILL)
        for number in range(10):
            assert await models_over_rest(crew, f"meanwhile-{number}") == 200
        await crew.logged("worker serves", count=2, worker=1)
        assert crew.pids[1] != old
        for door, call in DOORS.items():
            await all_answer(crew, f"again-{door}", call)
