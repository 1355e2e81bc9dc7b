"""2,000 streams at once on one process, half of them at each door."""

import asyncio
from collections import Counter
from pathlib import Path

from load.clients import Asked, clients_of
from load.plays import Play
from load.running import serving, upstream_running

STREAMS = 2_000
CHANNELS = 10
MOST_BYTES = 2**30
PATIENCE = 90.0


async def test_2000_streams_run_on_one_process_within_a_gib(tmp_path: Path) -> None:
    async with (
        upstream_running() as upstream,
        serving(tmp_path, upstream.settings("steady")) as served,
        clients_of(served.url, served.grpc_address, CHANNELS) as (rest, *channels),
        asyncio.timeout(PATIENCE),
    ):
        doors = [rest if at % 2 else channels[at // 2 % CHANNELS] for at in range(STREAMS)]
        asked = Asked(Play(events=5, size=20, gated=True))
        streams = [asyncio.create_task(door.call(asked)) for door in doors]
        await upstream.has_open(STREAMS)
        await upstream.open_gate()
        ended = Counter((each.status, each.wrong) for each in await asyncio.gather(*streams))
        assert ended == {("OK", ""): STREAMS}
        assert served.peak_bytes < MOST_BYTES
