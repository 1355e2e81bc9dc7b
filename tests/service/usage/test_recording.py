"""The recorder and real databases: restarts, kills, many calls at once."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from modelwire_service.storage.storage import Storage
from modelwire_service.usage.recorder import UsageRecorder
from support.postgres_server import PostgresServer
from support.programs import clean_environment
from support.usage_rows import rows_of

WRITER = Path(__file__).parents[2] / "support" / "usage_writer.py"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'modelwire.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_everything_put_is_there_after_closing(database_url: str) -> None:
    storage = Storage(database_url)
    recorder = UsageRecorder(storage.usage)
    recorder.start()
    for row in rows_of(3_333):
        recorder.put(row)
    await recorder.close()
    assert storage.usage().recent(5_000)[::-1] == rows_of(3_333)
    storage.close()


def test_a_killed_process_loses_no_more_than_a_second(database_url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, str(WRITER), database_url],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment({"PYTHONPATH": ":".join(sys.path)}),
    )
    with process:
        assert process.stdout is not None
        put = [process.stdout.readline().split() for _ in range(1_000)]
        killed_at = time.monotonic()
        process.send_signal(signal.SIGKILL)
    older = {call_id for call_id, moment in put if float(moment) < killed_at - 1}
    storage = Storage(database_url)
    written = {row.call_id for row in storage.usage().recent(10_000)}
    storage.close()
    assert older
    assert older <= written


async def test_rows_put_while_postgresql_is_away_are_written_once_it_is_back(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    storage = Storage(postgres_url)
    storage.usage()
    recorder = UsageRecorder(storage.usage, pause=0.01, longest_pause=0.1)
    recorder.start()
    rows = rows_of(300)
    for row in rows[:100]:
        recorder.put(row)
    postgres_server.stop()
    try:
        for row in rows[100:200]:
            recorder.put(row)
    finally:
        postgres_server.start()
    for row in rows[200:]:
        recorder.put(row)
    await recorder.close()
    assert storage.usage().recent(1_000)[::-1] == rows
    storage.close()


async def test_a_recorder_started_before_its_database_waits_for_it(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    storage = Storage(postgres_url)
    recorder = UsageRecorder(storage.usage, pause=0.01, longest_pause=0.1)
    postgres_server.stop()
    try:
        recorder.start()
        for row in rows_of(10):
            recorder.put(row)
    finally:
        postgres_server.start()
    await recorder.close()
    assert storage.usage().recent(20)[::-1] == rows_of(10)
    storage.close()
