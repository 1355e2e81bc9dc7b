"""The limits of a key, whichever workers its calls come to."""

import asyncio
import os
import signal
import time
from pathlib import Path

from modelwire_service.access.caller import Limits
from support.crews import models_over_rest, running_crew
from support.guarded import bearer, database_in, make_key
from support.scripted_upstream import ScriptedUpstream
from support.streams import Stream, begun, gated

AT_ONCE = 6
PER_MINUTE = 30
STREAMS = ["REST", "gRPC"] * 10


async def test_limits_are_those_of_one_server(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    gate = gated(upstream)
    database = database_in(tmp_path)
    at_once = make_key(database, "at once", limits=Limits(concurrency=AT_ONCE))
    a_minute = make_key(database, "a minute", limits=Limits(requests_per_minute=PER_MINUTE))
    async with running_crew("--database", database, "--no-usage", OPENAI_BASE_URL=upstream.url) as crew:
        began = time.monotonic()
        calls = [models_over_rest(crew, f"call-{number}", **bearer(a_minute)) for number in range(2 * PER_MINUTE)]
        statuses = await asyncio.gather(*calls)
        assert set(statuses) == {200, 429}
        assert PER_MINUTE <= statuses.count(200) <= PER_MINUTE * (1 + (time.monotonic() - began) / 60)
        assert {line["worker"] for line in crew.log if line["event"] == "call"} == set(crew.pids)

        streams = await begun([Stream(crew, door, at_once) for door in STREAMS])
        assert len(streams) == AT_ONCE
        os.kill(crew.pids[1], signal.SIGKILL)
        await crew.logged("worker ended and is started again", worker=1)
        more = await begun([Stream(crew, door, at_once) for door in STREAMS])
        gate.set()
        cut = [whole for whole in await asyncio.gather(*(stream.whole() for stream in streams)) if not whole]
        assert len(more) == len(cut)
        assert all(await asyncio.gather(*(stream.whole() for stream in more)))
