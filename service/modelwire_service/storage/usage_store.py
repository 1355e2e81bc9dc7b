"""The usage of calls in the database.

Theory of operation. Rows are written while the process serves calls, so what counts is how long a batch keeps the
interpreter from them. SQLite takes the rows as they are, in one `executemany` of the driver. PostgreSQL takes a batch
as one JSON text in one statement, which the server takes apart: a fifth of the work that row after row makes here.
A row that is there already is left alone: whether a batch was committed is not known where the connection broke in
the middle of it, and it is simply written again. What tells rows apart is when the call began, and its id.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select

from modelwire_service.storage.database import Database
from modelwire_service.storage.errors import RowsRefused
from modelwire_service.storage.tables import USAGE, moment_text
from modelwire_service.storage.usage_sums import UsageSum, summed
from modelwire_service.usage.rows import UsageRow

_STARTED: Final = UsageRow._fields.index("started_at")
_CASTS: Final = {
    "started_at": "to_timestamp(({})::float8)",
    "duration_ms": "({})::float8",
    "first_token_ms": "({})::float8",
    "input_tokens": "({})::bigint",
    "output_tokens": "({})::bigint",
    "cached_tokens": "({})::bigint",
    "reasoning_tokens": "({})::bigint",
    "attempts": "({})::int",
}
"""What PostgreSQL makes of a value in JSON, where that is not text."""

_INSERT: Final = f"INSERT INTO usage ({', '.join(UsageRow._fields)})"
_VALUES: Final = ", ".join("?" for _ in UsageRow._fields)
_INTO_SQLITE: Final = f"{_INSERT} VALUES ({_VALUES}) ON CONFLICT DO NOTHING"
_TAKEN_APART: Final = ", ".join(
    _CASTS.get(name, "{}").format(f"told->>{index}") for index, name in enumerate(UsageRow._fields)
)
_INTO_POSTGRESQL: Final = (
    f"{_INSERT} SELECT {_TAKEN_APART} FROM jsonb_array_elements(%s::jsonb) AS batch(told) ON CONFLICT DO NOTHING"  # noqa: S608
)


class UsageStore:
    """Writes and reads usage. Every method raises StorageError where the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rows: Sequence[UsageRow]) -> None:
        """Writes all rows or none. Rows that are there already change nothing.

        Raises RowsRefused where the database works and one of the rows can never be written.
        """
        if not rows:
            return
        try:
            with self._database.writing() as connection:
                _insert(connection, rows)
        except (TypeError, ValueError, OverflowError) as error:  # values that no driver takes
            raise RowsRefused(f"usage: {type(error).__name__}") from None

    def summary(
        self, since: datetime | None = None, until: datetime | None = None, by: Sequence[str] = ()
    ) -> list[UsageSum]:
        """Sums of the calls that began from `since` on and before `until`, by some of `usage.groups.GROUPS`.

        Days come in their order, other groups the largest first. Without groups there is one sum, that of all.
        """
        with self._database.reading() as connection:
            sums = summed(connection, since, until, by)
        day = by.index("day") if "day" in by else None
        return sorted(sums, key=lambda each: ("" if day is None else each.group[day], -each.calls, each.group))

    def recent(self, count: int) -> list[UsageRow]:
        """The `count` calls that began last, the last one first."""
        newest_first = (USAGE.c.started_at.desc(), USAGE.c.call_id.desc())
        with self._database.reading() as connection:
            found = connection.execute(select(USAGE).order_by(*newest_first).limit(count)).all()
        return [UsageRow(*row)._replace(started_at=row.started_at.timestamp()) for row in found]


def _insert(connection: Connection, rows: Sequence[UsageRow]) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_INTO_SQLITE, [_for_sqlite(row) for row in rows])
    else:
        connection.exec_driver_sql(_INTO_POSTGRESQL, (orjson.dumps(rows, default=list).decode(),))


def _for_sqlite(row: UsageRow) -> tuple[Any, ...]:
    moment = moment_text(datetime.fromtimestamp(row.started_at, UTC))
    return (*row[:_STARTED], moment, *row[_STARTED + 1 :])
