"""Usage in either database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from modelwire_service.storage.database import Database
from modelwire_service.storage.errors import RowsRefused
from modelwire_service.storage.tables import USAGE
from modelwire_service.storage.usage_store import UsageStore
from modelwire_service.storage.usage_sums import UsageSum
from modelwire_service.usage.rows import UsageRow
from support.usage_rows import BEGAN, PLAIN, row_number, rows_of

DAY = 86_400


@pytest.fixture
def usage(database: Database) -> UsageStore:
    return UsageStore(database)


def test_the_columns_are_the_fields_of_a_row_in_their_order() -> None:
    assert tuple(column.name for column in USAGE.columns) == UsageRow._fields


@pytest.mark.parametrize(
    "row",
    [
        PLAIN,
        PLAIN._replace(started_at=BEGAN + 0.123457),
        PLAIN._replace(model=None, upstream=None, first_token_ms=None, input_tokens=None, output_tokens=None),
        PLAIN._replace(cached_tokens=None, reasoning_tokens=None, attempts=0, outcome="CANCELLED"),
        PLAIN._replace(model="mod\"el' \\ %s ? :x {} 漢字 😀", key_name="", key_id=""),
        PLAIN._replace(input_tokens=2**53, duration_ms=1e9, first_token_ms=0.1),
    ],
    ids=["plain", "fraction", "unanswered", "cancelled", "words", "numbers"],
)
def test_a_row_comes_back_as_it_was(usage: UsageStore, row: UsageRow) -> None:
    usage.add([row])
    assert usage.recent(2) == [row]


def test_the_last_calls_come_first(usage: UsageStore) -> None:
    rows = rows_of(5)
    usage.add([rows[3], rows[0], rows[4], rows[1], rows[2]])
    assert usage.recent(3) == [rows[4], rows[3], rows[2]]


def test_nothing_is_written_of_nothing(usage: UsageStore) -> None:
    usage.add([])
    assert usage.recent(1) == []


def test_rows_written_again_are_there_once(usage: UsageStore) -> None:
    usage.add(rows_of(3))
    usage.add(rows_of(5))
    assert len(usage.recent(9)) == 5


def test_calls_of_one_id_are_told_apart_by_when_they_began(usage: UsageStore) -> None:
    usage.add([PLAIN, PLAIN._replace(started_at=BEGAN + 0.000001)])
    assert len(usage.recent(9)) == 2


@pytest.mark.parametrize(
    "change",
    [{"outcome": None}, {"input_tokens": 2**64}, {"model": "\ud800"}],
    ids=["none", "number", "surrogate"],
)
def test_a_batch_with_a_row_that_cannot_be_written_is_refused_whole(
    usage: UsageStore, change: dict[str, object]
) -> None:
    with pytest.raises(RowsRefused):
        usage.add([*rows_of(2), UsageRow(**(PLAIN._asdict() | change))])
    assert usage.recent(9) == []


def test_several_writers_lose_nothing(usage: UsageStore, database_url: str) -> None:
    def write(worker: int) -> None:
        own = Database(database_url)
        for batch in range(10):
            UsageStore(own).add(rows_of(10, first=worker * 1_000 + batch * 10))
        own.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert usage.summary()[0].calls == 400


def test_all_calls_are_summed(usage: UsageStore) -> None:
    usage.add(
        [
            PLAIN,
            row_number(1)._replace(outcome="CANCELLED", output_tokens=None),
            row_number(2)._replace(outcome="UNAVAILABLE", input_tokens=None, output_tokens=None, first_token_ms=None),
        ]
    )
    assert usage.summary() == [UsageSum((), 3, 1, 1, 1, 20, 20, 9, 12, 4.5, 4.5, 4.5)]


def test_of_no_calls_there_is_a_sum_and_no_group(usage: UsageStore) -> None:
    assert usage.summary() == [UsageSum((), 0, 0, 0, 0, 0, 0, 0, 0, None, None, None)]
    assert usage.summary(by=("model",)) == []


@pytest.mark.parametrize(
    ("times", "mean", "p50", "p95"),
    [
        ([7.0], 7.0, 7.0, 7.0),
        ([None, 1.0, None, 3.0], 2.0, 1.0, 3.0),
        ([3.0, 1.0, 2.0], 2.0, 2.0, 3.0),
        ([1.0, 1.0, 1.0, 9.0], 3.0, 1.0, 9.0),
        ([float(number) for number in range(100, 0, -1)], 50.5, 50.0, 95.0),
        ([None], None, None, None),
    ],
)
def test_percentiles_are_those_of_nearest_rank(
    usage: UsageStore, times: list[float | None], mean: float | None, p50: float | None, p95: float | None
) -> None:
    usage.add([row_number(number)._replace(first_token_ms=time) for number, time in enumerate(times)])
    (told,) = usage.summary()
    assert (told.first_token_mean_ms, told.first_token_p50_ms, told.first_token_p95_ms) == (mean, p50, p95)


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        (("model",), [("a",), ("",), ("b",)]),
        (("key",), [("",), ("ci k1",), ("k2",)]),
        (("outcome",), [("OK",), ("NOT_FOUND",)]),
        (("day",), [("2026-01-01",), ("2026-01-02",)]),
        (("upstream",), [("up",), ("",)]),
        (("model", "outcome"), [("a", "OK"), ("", "NOT_FOUND"), ("b", "OK")]),
        (("model", "day"), [("a", "2026-01-01"), ("", "2026-01-01"), ("a", "2026-01-02"), ("b", "2026-01-02")]),
    ],
)
def test_calls_are_summed_by_any_of_the_groups(
    usage: UsageStore, by: tuple[str, ...], groups: list[tuple[str, ...]]
) -> None:
    plain = PLAIN._replace(model="a", key_id="k1", key_name="ci", upstream="up")
    usage.add(
        [
            plain,
            plain._replace(call_id="1"),
            plain._replace(call_id="2", started_at=BEGAN + DAY, key_id="k2", key_name=""),
            plain._replace(call_id="3", started_at=BEGAN + DAY, model="b", key_id="", key_name=""),
            plain._replace(call_id="4", model=None, upstream=None, outcome="NOT_FOUND", key_id="", key_name=""),
        ]
    )
    assert [each.group for each in usage.summary(by=by)] == groups
    assert sum(each.calls for each in usage.summary(by=by)) == 5


@pytest.mark.parametrize(
    ("since", "until", "calls"),
    [(None, None, 4), (0, None, 4), (1, None, 3), (1, 3, 2), (None, 1, 1), (3, 3, 0), (4, None, 0)],
)
def test_calls_are_summed_from_one_moment_up_to_another(
    usage: UsageStore, since: int | None, until: int | None, calls: int
) -> None:
    def after(seconds: int | None) -> datetime | None:
        return None if seconds is None else datetime.fromtimestamp(BEGAN, UTC) + timedelta(seconds=seconds)

    usage.add([row_number(1_000 * number) for number in range(4)])
    assert usage.summary(after(since), after(until))[0].calls == calls


def test_days_are_those_of_utc_wherever_the_server_thinks_it_is(postgres_url: str) -> None:
    database = Database(f"{postgres_url}?options=-ctimezone%3DAsia/Tokyo")
    usage = UsageStore(database)
    usage.add([PLAIN._replace(started_at=BEGAN + DAY - 1)])
    assert usage.summary(by=("day",))[0].group == ("2026-01-01",)
    assert usage.recent(1)[0].started_at == BEGAN + DAY - 1
    database.close()
