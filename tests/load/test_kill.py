"""kill -9 under load: what is known of calls that had ended a second before is in the database."""

import asyncio
import time
from pathlib import Path

import pytest
from load.clients import Asked, Client, clients_of
from load.plays import Play
from load.running import serving, upstream_running
from modelwire_service.storage.storage import Storage

WORKERS = 4
SECONDS = 2.5
OLD = 1.0
"""How long after its end a call must be in the database."""


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path / 'usage.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_usage_older_than_a_second_survives(database: str, tmp_path: Path) -> None:
    ends: dict[str, float] = {}

    async def work(client: Client, worker: int) -> None:
        for number in range(100_000):
            asked = Asked(Play(pause=0.01), ("chat", "stream", "embeddings")[number % 3], id=f"{worker}-{number}")
            ended = await client.call(asked)
            if ended.status != "OK":  # it was killed
                return
            ends[asked.id] = ended.at

    async with (
        upstream_running() as upstream,
        serving(tmp_path, upstream.settings("steady"), database=database) as served,
        clients_of(served.url, served.grpc_address) as clients,
    ):
        workers = [asyncio.create_task(work(clients[at % len(clients)], at)) for at in range(WORKERS)]
        await asyncio.wait(workers, timeout=SECONDS)
        killed_at = time.monotonic()
        served.process.kill()
        await asyncio.gather(*workers)
        assert await served.process.wait() == -9
    owed = {name for name, ended_at in ends.items() if ended_at < killed_at - OLD}
    assert len(owed) > 20
    lost = owed - _recorded(database, len(ends))
    ages = sorted(killed_at - ends[name] for name in lost)
    assert not lost, f"{len(lost)} of {len(owed)}, ended {ages[0]:.1f} to {ages[-1]:.1f} s before"


def _recorded(database: str, most: int) -> set[str]:
    storage = Storage(database)
    try:
        return {row.call_id for row in storage.usage().recent(2 * most)}
    finally:
        storage.close()
