"""Many large requests at once: those that there is room for are served, the others refused."""

import asyncio
from collections import Counter
from pathlib import Path

from load.clients import Asked, Ended, clients_of
from load.plays import Play
from load.running import serving, upstream_running

UPLOADS = 60
BYTES = 2**20
ROOM = 8
MOST_HELD = 100 * 2**20
PATIENCE = 60.0


async def test_request_bytes_in_flight_are_bounded(tmp_path: Path) -> None:
    asked = Asked(Play(gated=True), "chat", padding=BYTES)
    async with (
        upstream_running() as upstream,
        serving(tmp_path, upstream.settings("steady"), max_request_bytes_in_flight=ROOM * BYTES + BYTES // 2) as served,
        clients_of(served.url, served.grpc_address) as (rest, *_),
        asyncio.timeout(PATIENCE),
    ):
        await rest.call(Asked(Play(), "chat"))
        before = served.resident_bytes
        uploads = [asyncio.create_task(rest.call(asked)) for _ in range(UPLOADS)]
        taken: list[Ended] = []
        while len(taken) < UPLOADS - ROOM:
            done, _ = await asyncio.wait(uploads, return_when=asyncio.FIRST_COMPLETED)
            taken += [task.result() for task in done]
            uploads = [task for task in uploads if not task.done()]
        assert Counter((ended.status, ended.told_when) for ended in taken) == {("UNAVAILABLE", True): UPLOADS - ROOM}
        await upstream.has_open(ROOM)
        assert served.peak_bytes - before < MOST_HELD
        await upstream.open_gate()
        assert {ended.status for ended in await asyncio.gather(*uploads)} == {"OK"}
        assert (await rest.call(asked)).status == "OK"
