"""Writing usage beside the calls, whatever the database does meanwhile."""

import logging
import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from modelwire_service.storage.errors import StorageError
from modelwire_service.usage.recorder import UsageRecorder, UsageSink
from modelwire_service.usage.rows import UsageRow
from support.commands import run
from support.usage_rows import row_number, rows_of
from support.usage_sink import MemorySink

AWAY = StorageError("database: away")
QUICK: dict[str, Any] = {"pause": 0.001, "longest_pause": 0.002}
NEVER: dict[str, Any] = {"pause": 3_600.0}


def recorder_of(sink: MemorySink, **options: Any) -> UsageRecorder:
    return UsageRecorder(sink.opened, **options)


def put_all(recorder: UsageRecorder, rows: Sequence[UsageRow]) -> None:
    for row in rows:
        recorder.put(row)


def events(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    return [(record.getMessage(), getattr(record, "fields", {})) for record in caplog.records]


async def test_rows_are_written_while_the_recorder_runs() -> None:
    sink = MemorySink()
    recorder = recorder_of(sink)
    recorder.start()
    put_all(recorder, rows_of(5))
    sink.wait_until(lambda: len(sink.rows) == 5)
    put_all(recorder, rows_of(5, first=5))
    sink.wait_until(lambda: len(sink.rows) == 10)
    assert sink.rows == rows_of(10)
    await recorder.close()


async def test_closing_writes_what_is_left() -> None:
    sink = MemorySink()
    recorder = recorder_of(sink, **NEVER)
    recorder.start()
    put_all(recorder, rows_of(2_500))
    await recorder.close()
    assert sink.rows == rows_of(2_500)
    assert max(len(batch) for batch in sink.batches) == 1_000


async def test_rows_put_before_the_start_are_written() -> None:
    sink = MemorySink()
    recorder = recorder_of(sink)
    put_all(recorder, rows_of(3))
    recorder.start()
    await recorder.close()
    assert sink.rows == rows_of(3)


async def test_nothing_is_asked_of_the_database_without_rows() -> None:
    sink = MemorySink()
    recorder = recorder_of(sink, **QUICK)
    recorder.start()
    await recorder.close()
    assert sink.tries == 0


async def test_a_database_that_is_away_is_tried_again_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    sink.failure = AWAY
    recorder = recorder_of(sink, **QUICK)
    with caplog.at_level(logging.INFO, "modelwire.usage"):
        recorder.start()
        put_all(recorder, rows_of(3))
        sink.wait_until(lambda: sink.tries >= 5)
        put_all(recorder, rows_of(3, first=3))
        sink.failure = None
        sink.wait_until(lambda: len(sink.rows) == 6)
        await recorder.close()
    assert sink.rows == rows_of(6)
    assert events(caplog) == [
        ("usage cannot be written and is kept", {"error": "database: away"}),
        ("usage is written again", {}),
    ]


async def test_a_database_that_cannot_be_opened_is_opened_later() -> None:
    sink, tries = MemorySink(), iter([AWAY, AWAY])

    def open_sink() -> UsageSink:
        for failure in tries:
            raise failure
        return sink

    recorder = UsageRecorder(open_sink, **QUICK)
    recorder.start()
    put_all(recorder, rows_of(2))
    sink.wait_until(lambda: len(sink.rows) == 2)
    await recorder.close()


async def test_closing_tries_again_while_there_is_time() -> None:
    sink = MemorySink()
    sink.failure = AWAY
    recorder = recorder_of(sink, **NEVER)
    recorder.start()
    put_all(recorder, rows_of(2))

    def come_back() -> None:
        sink.wait_until(lambda: sink.tries >= 2)
        sink.failure = None

    helper = threading.Thread(target=come_back)
    helper.start()
    await recorder.close(30)
    helper.join()
    assert sink.rows == rows_of(2)


async def test_beyond_the_bound_the_oldest_rows_go_and_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    recorder = recorder_of(sink, limit=10, **QUICK)
    put_all(recorder, rows_of(25))
    recorder.start()
    sink.wait_until(lambda: len(sink.rows) == 10)
    await recorder.close()
    assert sink.rows == rows_of(10, first=15)
    ((event, fields),) = events(caplog)
    assert event.startswith("usage is lost")
    assert fields == {"calls": 15}


async def test_what_cannot_be_written_in_time_is_told_as_lost(caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    sink.failure = AWAY
    recorder = recorder_of(sink, limit=10, **NEVER)
    recorder.start()
    put_all(recorder, rows_of(25))
    await recorder.close(0)
    assert events(caplog)[-1] == ("usage is lost", {"calls": 25})


async def test_closing_does_not_wait_for_a_database_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    hanging, released = threading.Event(), threading.Event()

    class Hanging(MemorySink):
        def add(self, rows: Sequence[UsageRow]) -> None:
            hanging.set()
            released.wait(30)

    recorder = recorder_of(Hanging(), **QUICK)
    recorder.start()
    put_all(recorder, rows_of(2))
    assert hanging.wait(30)
    await recorder.close(0)
    assert events(caplog) == [("usage is lost", {"calls": 2})]
    released.set()


async def test_a_row_that_the_database_refuses_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    sink.refused = {"req_1"}
    recorder = recorder_of(sink, **NEVER)
    recorder.start()
    put_all(recorder, rows_of(4))
    await recorder.close()
    assert sink.rows == [row_number(0), row_number(2), row_number(3)]
    assert events(caplog) == [
        ("usage of a call is refused", {"id": "req_1", "error": "database: not these"}),
    ]


async def test_an_error_of_our_own_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    sink = MemorySink()
    sink.failure = ZeroDivisionError("a bug")
    recorder = recorder_of(sink, **QUICK)
    recorder.start()
    put_all(recorder, rows_of(1))
    sink.wait_until(lambda: sink.tries >= 2)
    sink.failure = None
    sink.wait_until(lambda: bool(sink.rows))
    await recorder.close()
    assert "ZeroDivisionError: a bug" in caplog.text


async def test_a_recorder_that_never_ran_can_be_closed() -> None:
    await recorder_of(MemorySink()).close()


def test_a_recorder_imports_no_database() -> None:
    told = run(
        sys.executable,
        "-c",
        "import sys; from modelwire_service.usage.recorder import UsageRecorder\n"
        "from modelwire_service.storage.storage import Storage\n"
        "UsageRecorder(Storage('sqlite:////proc/a.db').usage); print('sqlalchemy' in sys.modules)",
    )
    assert told == "False\n"
